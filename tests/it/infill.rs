//! The trial of whether a model fills in: with models that do, that go on with the line, that only stop, and that are slow.

use std::cell::Cell;
use std::sync::Arc;

use infill_ls::model::{FimTokens, Infill, Markers, TokenId};

use crate::scripted::{Script, Scripted};
use crate::tiny_model::tokenizer_with;

/// What is made of a model that fills in the gaps after these texts, and goes on with `and_then`.
fn tried(after: &'static [&'static str], and_then: &'static str, interrupted: &dyn Fn() -> bool) -> Infill {
    let tokenizer = tokenizer_with(&[]);
    let special = |text: &str| tokenizer.special(text).unwrap();
    let (middle, end) = (special("<|fim_middle|>"), special("<|endoftext|>"));
    let fim = FimTokens { prefix: special("<|fim_prefix|>"), suffix: special("<|fim_suffix|>"), middle };
    let markers = Markers { fim: Some(fim), repo: None, chat: None, begin: None };
    let spelled = |text: &str| tokenizer.encode(text).unwrap();
    let gaps: Vec<(Vec<TokenId>, Vec<TokenId>)> = [("return a ", " +"), ("for ", "item"), ("square(", "x")]
        .into_iter()
        .filter(|(before, _)| after.contains(before))
        .map(|(before, gap)| (spelled(before), spelled(&format!("{gap}{and_then}"))))
        .collect();
    let script: Script = Box::new(move |held| {
        let written = held.iter().rev().take_while(|&&token| token != middle).count();
        let known = gaps.iter().find(|(before, _)| held.windows(before.len()).any(|part| part == before));
        vec![(known.and_then(|(_, gap)| gap.get(written)).copied().unwrap_or(end), 1.0)]
    });
    let model = Scripted { script, vocabulary: tokenizer.vocabulary(), passes: Arc::default() };
    Infill::of(&model, &tokenizer, &markers, interrupted).unwrap()
}

#[test]
fn a_model_that_fills_in_two_of_the_gaps_is_believed() {
    assert_eq!(tried(&["return a ", "for "], "", &|| false), Infill::Tried);
    assert_eq!(tried(&["return a ", "square("], " and more", &|| false), Infill::Tried);
}

#[test]
fn one_that_writes_something_else_is_not() {
    assert_eq!(tried(&[], "", &|| false), Infill::Untrained);
    assert_eq!(tried(&["return a "], "", &|| false), Infill::Untrained, "one may be chance");
    assert_eq!(tried(&["for ", "square("], "s", &|| false), Infill::Untrained, "another word");
}

#[test]
fn when_the_time_is_up_the_markers_are_believed() {
    let asked = Cell::new(0);
    let slow = || asked.replace(asked.get() + 1) > 0;
    let infill = tried(&["return a ", "for "], "", &slow);
    assert_eq!(infill, Infill::Untried);
    assert!(infill.uses_markers() && infill.explain().contains("no time"));
}
