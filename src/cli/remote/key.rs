//! `infill-ls remote key`: keys of servers, in the keyring of the operating system. A key is never an argument, which other
//! programs on the machine could read and the shell would remember.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::source::{Key, KeyStore};

/// Keeps keys.
#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask for a key, or read it from standard input, and put it into the keyring
    Set {
        /// The name that the setting remote.key_name gets
        name: String,
    },
    /// Take a key out of the keyring
    Forget {
        /// Its name
        name: String,
    },
}

/// Runs `infill-ls remote key …`.
pub(super) fn run(args: KeyArgs, store: &dyn KeyStore) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match args.command {
        Command::Set { name } => {
            set(store, &name, &asked(&name)?)?;
            writeln!(
                out,
                "the keyring holds the key `{name}`; the setting \"remote.key_name\": \"{name}\" has it used"
            )?;
        }
        Command::Forget { name } => match store.forget(&name).map_err(anyhow::Error::msg)? {
            true => writeln!(out, "the keyring holds no key `{name}` any more")?,
            false => bail!("the keyring holds no key `{name}`"),
        },
    }
    Ok(ExitCode::SUCCESS)
}

fn set(store: &dyn KeyStore, name: &str, key: &str) -> anyhow::Result<()> {
    let key = key.trim();
    if key.is_empty() || key.chars().any(char::is_control) {
        bail!("that is no key: it is empty, or has characters that no key has");
    }
    store.set(name, &Key::from(key)).map_err(anyhow::Error::msg)
}

/// Reads a key, without showing it where it is typed.
fn asked(name: &str) -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("Key `{name}`: ")).context("no key was read");
    }
    let mut key = String::new();
    std::io::stdin().read_line(&mut key).context("no key was read")?;
    Ok(key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;

    /// A keyring of the test.
    #[derive(Default)]
    struct Pocket(Mutex<BTreeMap<String, Key>>);

    impl KeyStore for Pocket {
        fn get(&self, name: &str) -> Result<Option<Key>, String> {
            Ok(self.0.lock().unwrap().get(name).cloned())
        }

        fn set(&self, name: &str, key: &Key) -> Result<(), String> {
            self.0.lock().unwrap().insert(name.into(), key.clone());
            Ok(())
        }

        fn forget(&self, name: &str) -> Result<bool, String> {
            Ok(self.0.lock().unwrap().remove(name).is_some())
        }
    }

    #[test]
    fn a_key_is_put_there_replaced_and_taken_away() {
        let store = Pocket::default();
        set(&store, "work", " first\n").unwrap();
        set(&store, "work", "second").unwrap();
        assert_eq!(store.get("work"), Ok(Some(Key::from("second"))));
        let forget = || run(KeyArgs { command: Command::Forget { name: "work".into() } }, &store);
        forget().unwrap();
        assert_eq!(store.get("work"), Ok(None));
        assert_eq!(forget().unwrap_err().to_string(), "the keyring holds no key `work`");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let store = Pocket::default();
        for key in ["", "  \n", "two\nlines", "bell\u{7}"] {
            assert!(set(&store, "work", key).is_err(), "{key:?}");
        }
        assert_eq!(store.get("work"), Ok(None));
    }
}
