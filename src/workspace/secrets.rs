//! What looks like a secret: by the name of a file, or by what stands in it. Rather too careful: a file that is left out
//! costs a little context, a key that is read out costs more.

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

/// How the tokens of well-known services begin, and how many characters of a token follow at least.
const TOKENS: &[(&str, usize)] = &[
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghs_", 30),
    ("github_pat_", 30),
    ("glpat-", 18),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("sk-ant-", 20),
    ("sk_live_", 20),
    ("hf_", 30),
    ("npm_", 30),
    ("pypi-", 40),
];

/// Names to which a secret is given in code, without underscores.
const ASSIGNED: &[&str] =
    &["password", "passwd", "secret", "apikey", "accesskey", "secretkey", "authtoken", "privatekey"];

/// Returns whether a file by this name is never read.
pub(super) fn is_secret_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || name.starts_with(".env.")
        || EXTENSIONS.contains(&extension.as_str())
        || (DATA.contains(&extension.as_str()) && WORDS.iter().any(|word| name.contains(word)))
}

/// Returns whether a text holds what looks like a key, a token or a password.
pub(super) fn holds_secret(text: &str) -> bool {
    (text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----"))
        || TOKENS.iter().any(|(start, length)| holds_token(text, start, *length))
        || text.lines().any(assigns_secret)
}

fn holds_token(text: &str, start: &str, length: usize) -> bool {
    text.match_indices(start).any(|(at, _)| {
        let inside = text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let rest: Vec<char> = text[at + start.len()..].chars().take_while(|c| is_of_token(*c)).collect();
        !inside && rest.len() >= length && rest.iter().any(char::is_ascii_digit)
    })
}

/// Returns whether a line gives a name such as `api_key` a literal that looks drawn by chance.
fn assigns_secret(line: &str) -> bool {
    let Some((name, value)) = line.split_once(['=', ':']).filter(|_| line.len() < 400) else { return false };
    let name = name.to_ascii_lowercase().replace(['_', '-', '"', '\'', ' '], "");
    if !ASSIGNED.iter().any(|word| name.ends_with(word)) {
        return false;
    }
    let Some(literal) = value.split(['"', '\'']).nth(1) else { return false };
    let digits = literal.bytes().filter(u8::is_ascii_digit).count();
    let letters = literal.bytes().filter(u8::is_ascii_alphabetic).count();
    literal.len() >= 20 && literal.chars().all(is_of_token) && digits >= 4 && letters >= 4
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/' | '=' | '.')
}
