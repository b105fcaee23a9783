//! From a name or path in a setting to a file, and the refusals on the way.

use infill_ls::fetch::{DEFAULT_MODEL, FetchError, Routes, catalogue, find};

use super::{entry, files, model_bytes, read, store};

/// No way to any bytes.
fn closed() -> Routes {
    Routes { hub: false, wheels: false, ..Routes::default() }
}

#[test]
fn a_path_is_taken_as_it_is() {
    let (dir, store) = store();
    let path = dir.path().join("mine.gguf");
    std::fs::write(&path, "GGUF").unwrap();
    let found = store.obtain(path.to_str().unwrap(), &closed(), &()).unwrap();
    assert_eq!(read(&found), b"GGUF");
}

#[test]
fn a_path_without_a_file_names_the_setting() {
    let (_dir, store) = store();
    let error = store.obtain("models/missing.gguf", &closed(), &()).unwrap_err().to_string();
    assert!(error.contains("models/missing.gguf") && error.contains("`model`"), "{error}");
}

#[test]
fn an_unknown_name_gets_the_nearest_ones() {
    let (_dir, store) = store();
    let error = store.obtain("qwen-coder-0.5b", &closed(), &()).unwrap_err().to_string();
    assert!(error.contains("is it qwen2.5-coder-0.5b-instruct"), "{error}");
    assert!(error.contains("model list"), "{error}");
}

#[test]
fn a_model_is_found_by_its_name_and_by_its_hub_repository() {
    let default = find(DEFAULT_MODEL).unwrap();
    assert_eq!(find("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF").unwrap().name, default.name);
    let parts: u64 = default.wheels.iter().map(|wheel| wheel.bytes).sum();
    assert_eq!(parts, default.bytes);
}

#[test]
fn an_unsupported_architecture_is_refused_before_anything_is_asked_for() {
    let (dir, store) = store();
    let refused: Vec<_> = catalogue().iter().filter(|entry| !entry.supported()).collect();
    assert!(!refused.is_empty());
    for entry in refused {
        let error = store.pull(entry, &Routes::default(), &()).unwrap_err();
        assert!(matches!(error, FetchError::Unsupported { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(entry.name) && message.contains("supported: qwen2"), "{message}");
    }
    assert!(!dir.path().join("models").exists());
}

#[test]
fn a_place_that_cannot_be_written_names_the_setting_that_moves_it() {
    let (dir, store) = store();
    std::fs::write(dir.path().join("models"), "a file in the way").unwrap();
    let error = store.pull(&entry(&model_bytes()), &Routes::default(), &()).unwrap_err().to_string();
    assert!(error.contains("INFILL_LS_CACHE"), "{error}");
}

#[test]
fn removing_takes_the_file_and_its_remains() {
    let (dir, store) = store();
    let bytes = model_bytes();
    let entry = entry(&bytes);
    assert!(matches!(store.remove(&entry), Err(FetchError::NotInstalled { .. })));
    std::fs::create_dir(dir.path().join("models")).unwrap();
    std::fs::write(store.path(&entry), &bytes).unwrap();
    std::fs::write(dir.path().join("models/tiny.gguf.0123.partial"), "x").unwrap();
    std::fs::write(dir.path().join("models/other.gguf"), "x").unwrap();
    assert!(store.installed(&entry) && store.verify(&entry).is_ok());
    store.remove(&entry).unwrap();
    assert_eq!(files(&dir), ["other.gguf"]);
}

#[test]
fn a_file_that_has_changed_is_found_out() {
    let (dir, store) = store();
    let mut bytes = model_bytes();
    let entry = entry(&bytes);
    bytes[10] ^= 1;
    std::fs::create_dir(dir.path().join("models")).unwrap();
    std::fs::write(store.path(&entry), &bytes).unwrap();
    let error = store.verify(&entry).unwrap_err().to_string();
    assert!(error.contains("infill-ls model pull tiny"), "{error}");
}
