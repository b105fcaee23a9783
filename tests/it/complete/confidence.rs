//! How sure the model must have been of what is shown.

use infill_ls::complete::{Confidence, TokenOdds, sure_part};

/// The part of a text that is shown when its pieces had these probabilities; `skipped` bytes of them come before it.
fn shown<'a>(text: &'a str, skipped: usize, pieces: &[(&str, f32)], mean: f64, lowest: f64) -> &'a str {
    let mut end = 0;
    let odds: Vec<TokenOdds> = pieces
        .iter()
        .map(|&(piece, probability)| {
            end += piece.len();
            TokenOdds { end, probability, ended: 0.0 }
        })
        .collect();
    &text[..sure_part(text, skipped, &odds, Confidence { mean, lowest })]
}

#[test]
fn lines_from_an_unlikely_token_on_are_cut() {
    let pieces = [("a", 0.9), (" = 1", 0.8), ("\n    ", 0.9), ("b", 0.1), (" = 2", 0.9)];
    let text = "a = 1\n    b = 2";
    assert_eq!(shown(text, 0, &pieces, 0.0, 0.2), "a = 1");
    assert_eq!(shown(text, 0, &pieces, 0.0, 0.05), text);
    assert_eq!(shown(text, 0, &pieces, 0.0, 0.85), "");
}

#[test]
fn the_mean_counts_as_far_as_the_text_goes() {
    let pieces = [("a", 0.9), (" = 1\n", 0.9), ("    b", 0.3), (" = 2", 0.3)];
    let text = "a = 1\n    b = 2";
    assert_eq!(shown(text, 0, &pieces, 0.6, 0.0), "a = 1");
    assert_eq!(shown(text, 0, &pieces, 0.5, 0.0), text);
    assert_eq!(shown(text, 0, &pieces, 0.95, 0.0), "");
}

#[test]
fn blanks_and_what_was_cut_off_before_say_nothing() {
    assert_eq!(shown("a = 1", 4, &[("    ", 0.01), ("a", 0.9), (" = 1", 0.9)], 0.5, 0.2), "a = 1");
    assert_eq!(shown("a\n\n  b", 0, &[("a", 0.9), ("\n\n", 0.01), ("  b", 0.9)], 0.5, 0.2), "a\n\n  b");
}

#[test]
fn what_comes_after_the_text_does_not_count() {
    assert_eq!(shown("a = 1", 0, &[("a", 0.9), (" = 1", 0.9), ("\nb", 0.01)], 0.5, 0.2), "a = 1");
}

#[test]
fn without_odds_all_is_shown() {
    assert_eq!(shown("a = 1\nb", 0, &[], 0.9, 0.9), "a = 1\nb");
}
