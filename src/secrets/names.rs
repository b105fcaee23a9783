//! Files that hold secrets, by their name. Rather too careful: a file that is left out costs a little context, a key that
//! is read out costs more.

use std::path::Path;

/// Whole names.
const NAMES: &[&str] = &[
    ".env",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    ".pgpass",
    ".git-credentials",
    "credentials",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "authorized_keys",
    "known_hosts",
];

/// Extensions of keys, certificates and stores of passwords.
const EXTENSIONS: &[&str] = &[
    "pem", "key", "p8", "p12", "pfx", "jks", "keystore", "crt", "cer", "der", "asc", "gpg", "kdbx", "ovpn",
    "ppk", "env", "tfvars", "tfstate",
];

/// Words in the name of a file of data, not of code: `secrets.py` may well be a module.
const WORDS: &[&str] =
    &["secret", "credential", "password", "passwd", "token", "apikey", "api_key", "service-account"];

/// Extensions of data in which such words count.
const DATA: &[&str] =
    &["json", "yaml", "yml", "toml", "ini", "cfg", "conf", "txt", "xml", "properties", "csv", "md", ""];

/// Returns whether a file by this name is never read.
pub fn is_secret_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || name.starts_with(".env.")
        || EXTENSIONS.contains(&extension.as_str())
        || (DATA.contains(&extension.as_str()) && WORDS.iter().any(|word| name.contains(word)))
}
