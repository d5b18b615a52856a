//! Exports from the request to the expired link, through their functions (SPEC §4).

mod exports {
    mod cancel;
    mod chain;
    mod email;
    mod expiry;
    mod file;
    mod request;
    mod steps;
}
