//! What `infill-ls stats` says: outcomes added up by language and day, as a table and bars; and that all can be forgotten.

use std::fs;

use infill_ls::stats::{
    Acceptance, Facts, Fate, Outcome, OutcomeLog, Place, Record, RequestLog, Summary, all_outcomes, forget,
    kept_share, last_records, report,
};

fn outcome(day: &str, language: &str, fate: Fate, accepted: usize, ms: u64) -> Outcome {
    let facts = Facts { language: language.into(), place: Place::Inline, ms, tokens: 5, confidence: None };
    let kept = (accepted > 0).then_some(if fate == Fate::Partly { 0.5 } else { 1.0 });
    Outcome {
        day: day.into(),
        facts,
        fate,
        inferred: fate == Fate::Partly,
        candidates: 1,
        characters: 20,
        lines: 1,
        accepted,
        keys_saved: accepted.saturating_sub(1),
        stood_ms: 900,
        kept_30s: kept,
        kept_5min: None,
    }
}

fn outcomes() -> Vec<Outcome> {
    vec![
        outcome("2026-11-24", "python", Fate::Accepted, 20, 100),
        outcome("2026-11-24", "rust", Fate::Passed, 0, 400),
        outcome("2026-11-25", "python", Fate::Partly, 7, 120),
        outcome("2026-11-25", "python", Fate::Typed, 0, 140),
        outcome("2026-11-25", "python", Fate::Passed, 0, 160),
        outcome("2026-11-25", "python", Fate::Glimpsed, 0, 9000),
    ]
}

#[test]
fn outcomes_are_added_up_by_language_and_day() {
    let mut outcomes = outcomes();
    // What was known already took no time worth counting.
    outcomes[4].facts.tokens = 0;
    outcomes.pop();
    let summary = Summary::of(&outcomes);
    let names = |rows: &[infill_ls::stats::Row]| rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&summary.languages), ["python", "rust"]);
    assert_eq!(names(&summary.days), ["2026-11-24", "2026-11-25"]);
    let python = &summary.languages[0];
    assert_eq!((python.shown, python.accepted, python.partly, python.typed), (4, 1, 1, 1));
    assert_eq!((python.characters, python.keys_saved, python.inferred), (27, 25, 1));
    assert_eq!((python.kept_30s.kept, python.kept_30s.of, python.kept_5min.of), (1, 2, 0));
    assert_eq!((python.ms_p50, python.ms_p95), (Some(120), Some(140)));
    assert_eq!(summary.all.shown, 5);
}

#[test]
fn what_nobody_could_read_was_not_shown() {
    assert_eq!(Summary::of(&outcomes()).all.shown, 5);
}

#[test]
fn a_person_reads_tables_and_bars() {
    let mut outcomes = outcomes();
    outcomes.pop();
    expect_test::expect![[r#"
                    shown  accepted  partly  typed  rate  kept 30 s  kept 5 min  keys saved  ms p50  ms p95
        python          4         1       1      1  50 %       50 %           -          25     140     160
        rust            1         0       0      0   0 %          -           -           0     400     400
        all             5         1       1      1  40 %       50 %           -          25     140     400

        2026-11-24      2         1       0      0  50 %      100 %           -          19     400     400
        2026-11-25      3         0       1      1  33 %        0 %           -           6     140     160

        2026-11-24  █████████████▎░░░░░░░░░░░░░               1 of 2
        2026-11-25  █████████████▎░░░░░░░░░░░░░░░░░░░░░░░░░░  1 of 3
        █ accepted, whole or in part   ░ shown
    "#]]
    .assert_eq(&report(&Summary::of(&outcomes), 14, true));
}

#[test]
fn a_pipe_gets_plain_letters_and_only_the_days_asked_for() {
    let text = report(&Summary::of(&outcomes()), 1, false);
    assert!(text.is_ascii(), "{text}");
    assert!(!text.contains("2026-11-24"), "{text}");
    assert!(text.contains("2026-11-25  #############---------------------------  1 of 3"), "{text}");
}

#[test]
fn where_there_is_nothing_it_says_why() {
    let text = report(&Summary::of(&[]), 14, true);
    assert!(text.contains("`stats.enabled`"), "{text}");
}

#[test]
fn old_outcomes_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let log = OutcomeLog::new(Some(dir.path()));
    fs::write(dir.path().join("outcomes.jsonl"), "x".repeat(5 << 20)).unwrap();
    log.add(&outcome("2026-11-25", "rust", Fate::Passed, 0, 1));
    assert_eq!(log.all().len(), 1);
    assert!(fs::metadata(dir.path().join("outcomes.jsonl")).unwrap().len() < 1000);
    assert!(dir.path().join("outcomes.1.jsonl").exists());
}

#[test]
fn all_can_be_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (outcomes, requests) = (OutcomeLog::new(Some(dir.path())), RequestLog::new(Some(dir.path())));
    let write = || {
        outcomes.add(&outcome("2026-11-25", "rust", Fate::Passed, 0, 1));
        requests.add(Record::now("m", "rust", "shown", std::time::Duration::ZERO, 1));
        outcomes.flush();
        requests.flush();
    };
    write();
    assert_eq!(forget(dir.path()).unwrap(), 2);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    // A server that runs goes on with new files.
    write();
    assert_eq!((all_outcomes(dir.path()).len(), last_records(dir.path(), 9).len()), (1, 1));
}

#[test]
fn kept_is_what_stands_there_in_its_order() {
    assert_eq!(kept_share("", "anything"), 1.0);
    assert_eq!(kept_share("a + b", ""), 0.0);
    assert_eq!(kept_share("let x = 1;", "let   x=1;"), 1.0);
    assert_eq!(kept_share("ab cd", "cd ab"), 0.5);
    assert_eq!(kept_share("naïve", "naive"), 0.0);
}

/// So many outcomes of one fate at one confidence.
fn sure(confidence: f32, fate: Fate, count: usize) -> impl Iterator<Item = Outcome> {
    let mut one = outcome("2026-11-25", "rust", fate, 0, 100);
    one.facts.confidence = Some(confidence);
    std::iter::repeat_n(one, count)
}

#[test]
fn what_the_user_wants_is_told_by_how_sure_the_model_was() {
    let mut outcomes: Vec<Outcome> = sure(0.95, Fate::Accepted, 30).collect();
    outcomes.extend(sure(1.0, Fate::Typed, 6));
    outcomes.extend(sure(0.9, Fate::Passed, 12));
    outcomes.extend(sure(0.9, Fate::Glimpsed, 50));
    outcomes.extend(sure(0.42, Fate::Partly, 19));
    let acceptance = Acceptance::of(&outcomes);
    assert_eq!(acceptance.rate("rust", 0.99), Some(0.75));
    // Too few to tell; another language; another level.
    assert_eq!(acceptance.rate("rust", 0.45), None);
    assert_eq!(acceptance.rate("go", 0.99), None);
    assert_eq!(acceptance.rate("rust", 0.5), None);
    let text = report(&Summary::of(&outcomes), 14, false);
    assert!(text.contains("36 of 48\n"), "{text}");
}

#[test]
fn the_threshold_follows_what_the_user_wants() {
    let with = |shown: &[(f32, Fate, usize)]| {
        let outcomes: Vec<Outcome> =
            shown.iter().flat_map(|&(confidence, fate, count)| sure(confidence, fate, count)).collect();
        Acceptance::of(&outcomes).threshold("rust", 0.6)
    };
    assert_eq!(with(&[]), 0.6);
    assert_eq!(with(&[(0.65, Fate::Passed, 19)]), 0.6, "too few to tell");
    assert_eq!(with(&[(0.65, Fate::Passed, 30), (0.65, Fate::Accepted, 10)]), 0.6);
    // Next to nothing is wanted of what is shown at that level, and at the next.
    assert_eq!(with(&[(0.65, Fate::Passed, 30), (0.65, Fate::Accepted, 2)]), 0.7);
    assert_eq!(with(&[(0.65, Fate::Passed, 30), (0.75, Fate::Passed, 30)]), 0.8);
    // The surest are always shown.
    let all: Vec<_> = (0..10).map(|level| (level as f32 / 10.0 + 0.05, Fate::Passed, 30)).collect();
    assert_eq!(with(&all), 0.9);
    // Most is wanted: what is less sure is tried, one level after the other, and not without end.
    assert_eq!(with(&[(0.65, Fate::Accepted, 30)]), 0.5);
    assert_eq!(with(&[(0.65, Fate::Accepted, 30), (0.55, Fate::Typed, 30)]), 0.4);
    let all: Vec<_> = (0..10).map(|level| (level as f32 / 10.0 + 0.05, Fate::Accepted, 30)).collect();
    assert_eq!(with(&all), 0.4);
    // Tried in vain.
    assert_eq!(with(&[(0.65, Fate::Accepted, 30), (0.55, Fate::Passed, 30)]), 0.6);
}

#[test]
fn what_was_accepted_before_the_start_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let before = OutcomeLog::new(Some(dir.path()));
    sure(0.95, Fate::Accepted, 15).for_each(|outcome| before.add(&outcome));
    before.flush();
    let log = OutcomeLog::new(Some(dir.path()));
    sure(0.95, Fate::Passed, 15).for_each(|outcome| log.add(&outcome));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while log.acceptance(|known| known.rate("rust", 0.95)) != Some(0.5) {
        assert!(std::time::Instant::now() < deadline, "{:?}", log.acceptance(Clone::clone));
        std::thread::yield_now();
    }
}
