//! The rules: the shapes of keys and tokens of well-known services, private keys, and values that are given to names such
//! as `password`. What a rule masks is its group `s`.

use std::ops::Range;

use regex::bytes::{Captures, Regex, RegexBuilder};

/// A kind of secret.
#[derive(Debug)]
pub struct Rule {
    /// Whose it is, or what it is.
    pub name: &'static str,
    /// What it looks like; the group `s` is the secret itself.
    pub pattern: &'static str,
    /// What the secret must look like beside that.
    pub check: Check,
    /// Whether a file with one in it is not read at all.
    pub certain: bool,
}

/// What a secret must look like beside the pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The pattern says enough.
    Pattern,
    /// It holds letters and digits, as what is drawn by chance does and words do not.
    Drawn,
    /// It is no word that stands for a password in an example, and nothing that is filled in later.
    Literal,
}

const fn token(name: &'static str, pattern: &'static str) -> Rule {
    Rule { name, pattern, check: Check::Drawn, certain: true }
}

const fn likely(name: &'static str, pattern: &'static str, check: Check) -> Rule {
    Rule { name, pattern, check, certain: false }
}

/// All rules. None says how long a secret is at most, unless all of its kind are equally long: an automaton has a state for each
/// repetition up to a bound.
pub const RULES: &[Rule] = &[
    Rule {
        name: "private key",
        pattern: r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:\s*(?:Proc-Type|DEK-Info|Version|Comment):[^\n]*)*(?P<s>[A-Za-z0-9+/=\s\\]{16,})",
        check: Check::Pattern,
        certain: true,
    },
    // The window of a prompt may begin inside of one.
    Rule {
        name: "end of a private key",
        pattern: r"(?P<s>(?:[A-Za-z0-9+/=]{16,}(?:\\n|\r?\n))+)-----END [A-Z0-9 ]*PRIVATE KEY",
        check: Check::Pattern,
        certain: true,
    },
    token("Age", r"\b(?P<s>AGE-SECRET-KEY-1[A-Z0-9]{20,})"),
    token("Anthropic, OpenAI and their like", r"\b(?P<s>sk-(?:[a-z]+[0-9]*-)*[A-Za-z0-9_-]{20,})"),
    Rule {
        name: "AWS access key",
        pattern: r"\b(?P<s>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b",
        check: Check::Pattern,
        certain: true,
    },
    token("Databricks", r"\b(?P<s>dapi[a-f0-9]{32})"),
    token("DigitalOcean", r"\b(?P<s>do[opr]_v1_[a-f0-9]{40,})"),
    token("Docker Hub", r"\b(?P<s>dckr_pat_[A-Za-z0-9_-]{20,})"),
    token("GitHub", r"\b(?P<s>gh[pousr]_[A-Za-z0-9]{30,})"),
    token("GitHub, fine-grained", r"\b(?P<s>github_pat_[A-Za-z0-9_]{22,})"),
    token("GitLab", r"\b(?P<s>gl(?:pat|ptt|dt|rt|cbt|agent)-[A-Za-z0-9_-]{18,})"),
    token("Google API key", r"\b(?P<s>AIza[A-Za-z0-9_-]{30,})"),
    token("Google OAuth", r"\b(?P<s>(?:GOCSPX-|ya29\.)[A-Za-z0-9_-]{20,})"),
    token("Groq", r"\b(?P<s>gsk_[A-Za-z0-9]{40,})"),
    token("Hashicorp Vault", r"\b(?P<s>hv[sbr]\.[A-Za-z0-9_-]{20,})"),
    token("Hugging Face", r"\b(?P<s>hf_[A-Za-z0-9]{30,})"),
    token("Linear", r"\b(?P<s>lin_api_[A-Za-z0-9]{30,})"),
    token("npm", r"\b(?P<s>npm_[A-Za-z0-9]{30,})"),
    token("PyPI", r"\b(?P<s>pypi-[A-Za-z0-9_-]{40,})"),
    token("SendGrid", r"\b(?P<s>SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})"),
    token("Shopify", r"\b(?P<s>shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32})"),
    token("Slack", r"\b(?P<s>xox[abeoprs]-[A-Za-z0-9-]{20,})"),
    token("Slack web hook", r"hooks\.slack\.com/(?:services|workflows)/(?P<s>[A-Za-z0-9/]{20,})"),
    token("Discord web hook", r"discord(?:app)?\.com/api/webhooks/(?P<s>[0-9]{10,}/[A-Za-z0-9_-]{20,})"),
    token("Stripe", r"\b(?P<s>(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,})"),
    token("Telegram", r"\b(?P<s>[0-9]{8,10}:AA[A-Za-z0-9_-]{33})"),
    token("Twilio", r"\b(?P<s>SK[0-9a-f]{32})\b"),
    likely(
        "JSON web token",
        r"\b(?P<s>eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})",
        Check::Pattern,
    ),
    likely(
        "authorization header",
        r"(?i)\b(?:bearer|basic|token)\s+(?P<s>[a-z0-9._~+/=-]{16,})",
        Check::Drawn,
    ),
    likely(
        "password in an address",
        r#"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@"'`<>]+:(?P<s>[^\s:/@"'`<>]{3,})@"#,
        Check::Literal,
    ),
    // `api_key = "…"`, `"apiKey": "…"`, `authToken: string = '…'`, `:token => "…"`
    Rule {
        name: "key in an assignment",
        pattern: r#"(?i)(?:api_?key|access_?key|secret_?key|private_?key|signing_?key|encryption_?key|auth_?key|account_?key|token|secret|client_?secret|credentials?)[a-z0-9]{0,8}["'`\]]{0,2}\s{0,4}(?::\s{0,2}&?(?:'?[a-z]+\s)?[a-z]+\s{0,2})?(?:=>|:=|=|:)\s{0,4}[brfu]?["'`](?P<s>[a-z0-9_+/=.~-]{12,})["'`]"#,
        check: Check::Drawn,
        certain: false,
    },
    Rule {
        name: "long key in an assignment",
        pattern: r#"(?i)(?:api_?key|access_?key|secret_?key|private_?key|auth_?token|secret|password|passwd)["'`]?\s{0,4}[=:]\s{0,4}["'](?P<s>[a-z0-9_+/=.-]{20,})["']"#,
        check: Check::Drawn,
        certain: true,
    },
    likely(
        "password in an assignment",
        r#"(?i)(?:passwords?|passwd|passphrase|passcode|pwd)[a-z0-9]{0,8}["'`\]]{0,2}\s{0,4}(?::\s{0,2}&?(?:'?[a-z]+\s)?[a-z]+\s{0,2})?(?:=>|:=|=|:)\s{0,4}[brfu]?["'`](?P<s>[^\s"'`]{4,})["'`]"#,
        Check::Literal,
    ),
    // `DB_PASSWORD=…` in a shell script, an environment file, a unit file.
    likely(
        "variable of an environment",
        r#"(?m)^[ \t]*(?:export[ \t]+|Environment=|ENV[ \t]+|ARG[ \t]+)?[A-Z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)[A-Z0-9_]*=(?P<s>[^\s"'`$(){}\[\]<>;,]{6,})[ \t]*\r?$"#,
        Check::Drawn,
    ),
    // `password: …` in YAML.
    likely(
        "value in YAML",
        r#"(?mi)^[ \t-]*[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key)[ \t]*:[ \t]+(?P<s>[^\s"'`#{}\[\]$<>&*!|,;()]{8,})[ \t]*\r?$"#,
        Check::Drawn,
    ),
];

/// Words with which examples, forms and templates fill the place of a password.
const FILLERS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "changeme",
    "change-me",
    "example",
    "placeholder",
    "your",
    "dummy",
    "redacted",
    "none",
    "null",
    "undefined",
    "string",
    "text",
    "true",
    "false",
    "required",
    "invalid",
    "forgot",
    "reset",
    "xxx",
    "...",
    "***",
];

impl Rule {
    /// Compiles the pattern. Letters and digits are those of ASCII: all that is written in code, at a tenth of the states.
    pub(super) fn compile(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(self.pattern).unicode(false).build()
    }

    /// Returns where it holds in a text.
    pub(super) fn find<'t>(
        &'t self,
        regex: &'t Regex,
        text: &'t str,
    ) -> impl Iterator<Item = Range<usize>> + 't {
        let secret = |found: Captures<'t>| found.name("s").map(|secret| whole(text, secret.range()));
        let found = regex.captures_iter(text.as_bytes()).filter_map(secret);
        found.filter(|range| self.check.holds(&text[range.clone()]))
    }

    /// Returns whether it holds beyond doubt somewhere in a text.
    pub(super) fn is_certain(&self, regex: &Regex, text: &str) -> bool {
        self.certain && self.find(regex, text).next().is_some()
    }
}

impl Check {
    fn holds(self, secret: &str) -> bool {
        let digits = secret.bytes().filter(u8::is_ascii_digit).count();
        let letters = secret.bytes().filter(u8::is_ascii_alphabetic).count();
        match self {
            Self::Pattern => !secret.trim().is_empty(),
            // A version or a number has digits too, and a name may end in one.
            Self::Drawn => 2 <= digits && 2 <= letters && !is_path(secret),
            Self::Literal => {
                let lower = secret.to_lowercase();
                let is_template = secret.contains(['{', '$', '<', '%']) || lower.starts_with("env.");
                !is_template && !FILLERS.iter().any(|filler| lower.contains(filler))
            }
        }
    }
}

/// Returns a range of bytes with the whole of the characters at its ends. The rules end at letters of ASCII; a new one may not.
fn whole(text: &str, Range { mut start, mut end }: Range<usize>) -> Range<usize> {
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// Returns whether a value is words that are joined by dots, dashes or slashes: a name in code, a file, an address.
fn is_path(value: &str) -> bool {
    let is_word = |word: &str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        word.len() <= 16 && digits <= 2 && !word.chars().rev().skip(digits).any(|c| c.is_ascii_digit())
    };
    value.contains(['.', '/', '-', '_']) && value.split(['.', '/', '-', '_']).all(is_word)
}
