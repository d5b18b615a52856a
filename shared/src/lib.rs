//! stub
pub mod note;
