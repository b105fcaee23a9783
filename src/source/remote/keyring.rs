//! Keys in the keyring of the operating system: the Secret Service on Linux, the Keychain on macOS, the Credential Manager on
//! Windows. A key is found by a name that its user gave it. The keyring may ask its user to unlock it, so that each of these
//! takes as long as that takes.

use super::options::Key;

/// The service under which all keys lie.
const SERVICE: &str = "infill-ls";

/// A place for keys. [`Keyring`] is the real one.
pub trait KeyStore: Send + Sync {
    /// Returns the key of this name, if there is one.
    ///
    /// # Errors
    /// When the place cannot be looked into; the message says why.
    fn get(&self, name: &str) -> Result<Option<Key>, String>;

    /// Puts a key there, in the place of what has this name.
    ///
    /// # Errors
    /// When it cannot be put there; the message says why.
    fn set(&self, name: &str, key: &Key) -> Result<(), String>;

    /// Takes a key away; returns whether there was one.
    ///
    /// # Errors
    /// When it cannot be taken away; the message says why.
    fn forget(&self, name: &str) -> Result<bool, String>;
}

/// The keyring of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keyring;

impl Keyring {
    fn entry(name: &str) -> Result<keyring::Entry, String> {
        if let Err(error) = keyring::Entry::store_status() {
            return Err(format!("there is no keyring: {error}"));
        }
        keyring::Entry::new(SERVICE, name).map_err(cannot)
    }
}

impl KeyStore for Keyring {
    fn get(&self, name: &str) -> Result<Option<Key>, String> {
        match Self::entry(name)?.get_password() {
            Ok(key) => Ok(Some(Key::from(key.as_str()))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(cannot(error)),
        }
    }

    fn set(&self, name: &str, key: &Key) -> Result<(), String> {
        Self::entry(name)?.set_password(key.reveal()).map_err(cannot)
    }

    fn forget(&self, name: &str) -> Result<bool, String> {
        match Self::entry(name)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(keyring::Error::NoEntry) => Ok(false),
            Err(error) => Err(cannot(error)),
        }
    }
}

/// Says why, without what the error may hold of a key.
fn cannot(error: keyring::Error) -> String {
    match error {
        keyring::Error::BadEncoding(_) => "what the keyring holds under this name is no text".into(),
        error => format!("the keyring refuses: {error}"),
    }
}
