//! Writes an export's file and uploads it while it is written.

pub mod cell;
pub mod csv;
pub mod file;
pub mod upload;
pub mod xlsx;
