//! Leaving a rule out, to measure what it is worth: by the environment, and in a debug build only. It is no setting, for no
//! user wants a rule gone that is worth something, and one that is worth nothing is removed.

/// Returns whether a rule is left out, by its name in `INFILL_LS_WITHOUT`, where several are separated by commas.
pub(super) fn is_left_out(rule: &str) -> bool {
    cfg!(debug_assertions)
        && std::env::var("INFILL_LS_WITHOUT")
            .is_ok_and(|rules| rules.split(',').any(|left_out| left_out == rule))
}
