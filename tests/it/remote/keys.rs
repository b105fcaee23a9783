//! Keys out of a keyring: looked up when they are first needed, shown to the server only, and where there is none it is said.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use infill_ls::source::{Key, KeySource, KeyStore, RemoteKind, RemoteOptions, RemoteSource, Source};

use super::server::Server;
use super::{gap, options, request};

/// A keyring of the test, and how often it was looked into.
#[derive(Default)]
struct Pocket {
    key: Mutex<Option<Key>>,
    looks: AtomicUsize,
    locked: bool,
}

impl KeyStore for Pocket {
    fn get(&self, name: &str) -> Result<Option<Key>, String> {
        assert_eq!(name, "work");
        self.looks.fetch_add(1, Ordering::Relaxed);
        if self.locked {
            return Err("the user has not unlocked it".into());
        }
        Ok(self.key.lock().unwrap().clone())
    }

    fn set(&self, _: &str, key: &Key) -> Result<(), String> {
        *self.key.lock().unwrap() = Some(key.clone());
        Ok(())
    }

    fn forget(&self, _: &str) -> Result<bool, String> {
        Ok(self.key.lock().unwrap().take().is_some())
    }
}

async fn server() -> Server {
    Server::start(|_, answering| {
        Box::pin(async move {
            answering.events(&[r#"{"content":"fine","stop":true}"#]).await;
            true
        })
    })
    .await
}

fn source(server: &Server, store: &Arc<Pocket>) -> (RemoteSource, RemoteOptions) {
    let key = KeySource::Stored { name: "work".into(), store: Arc::<Pocket>::clone(store) };
    let options = RemoteOptions { key: Some(key), ..options(RemoteKind::LlamaServer, &server.url) };
    (RemoteSource::new(options.clone()), options)
}

#[tokio::test]
async fn a_key_of_the_keyring_is_looked_up_once_and_sent() {
    let (server, store) = (server().await, Arc::new(Pocket::default()));
    store.set("work", &Key::from("sesame-7")).unwrap();
    let (source, options) = source(&server, &store);
    assert_eq!(store.looks.load(Ordering::Relaxed), 0, "not before it is needed");
    for _ in 0..3 {
        assert_eq!(source.generate(request(gap("x = 1\n$0")).0).await.unwrap().text, "fine");
    }
    assert!(server.asked().iter().all(|asked| asked.header("authorization") == Some("Bearer sesame-7")));
    assert_eq!(store.looks.load(Ordering::Relaxed), 1);
    let preview = source.preview(&request(gap("x = 1\n$0")).0).await.unwrap();
    assert!(!format!("{options:?}{preview:?}").contains("sesame"));
}

#[tokio::test]
async fn without_the_key_nothing_is_sent_and_the_way_out_is_said() {
    let (server, store) = (server().await, Arc::new(Pocket::default()));
    let why = |store: &Arc<Pocket>| {
        let source = source(&server, store).0;
        async move { source.generate(request(gap("x = 1\n$0")).0).await.unwrap_err().to_string() }
    };
    assert_eq!(
        why(&store).await,
        "the keyring holds no key `work`; `infill-ls remote key set work` puts it there"
    );
    let locked = Arc::new(Pocket { locked: true, ..Pocket::default() });
    assert_eq!(
        why(&locked).await,
        "the key `work` could not be read (setting `remote.key_name`): the user has not unlocked it"
    );
    assert!(server.asked().is_empty());
}
