//! Why nothing is shown: one word for the log and the editors' status, and one sentence for a person.
//! The completion logic gives some of these itself; the server gives the others. Nobody is silent without one.

/// The reason of a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The editor took the request back.
    Cancelled,
    /// A newer request of the same document came.
    Overtaken,
    /// The model is being fetched or loaded.
    Loading,
    /// There is no model to ask.
    NoModel,
    /// The editor asked about a document that it has not opened.
    NotOpen,
    /// An edit did not apply, so the text here is not the editor's any more.
    OutOfSync,
    /// Switched off for this language or altogether.
    Disabled,
    /// The document is larger than the setting allows.
    TooLarge,
    /// The time budget was used up before there was a useful text.
    TimedOut,
    /// The model failed.
    Failed,
    /// The remote source does not answer.
    RemoteAway,
    /// The text must not be sent to the remote source.
    Private,
    /// The file is excluded by an ignore rule.
    IgnoredFile,
    /// The cursor stands inside a word that goes on.
    MidWord,
    /// Text was deleted here last.
    AfterDeletion,
    /// Suggestions are wanted only when a person asks.
    NotAsked,
    /// The model wrote nothing, or only blanks.
    Empty,
    /// What is left after mending is too little to be worth a look.
    TooShort,
    /// The text is what already stands below the cursor.
    RepeatsSuffix,
    /// The text is what already stands above the cursor.
    RepeatsPrefix,
    /// The model went round in circles.
    Loop,
    /// The text is a comment that promises code and holds none.
    Promise,
    /// The model was not sure enough of the text.
    LowConfidence,
    /// The text would bring a syntax error into the file, and so would each of its beginnings.
    SyntaxError,
}

impl Reason {
    /// All of them, for looking one up by its code.
    const ALL: [Self; 24] = [
        Self::Cancelled,
        Self::Overtaken,
        Self::Loading,
        Self::NoModel,
        Self::NotOpen,
        Self::OutOfSync,
        Self::Disabled,
        Self::TooLarge,
        Self::TimedOut,
        Self::Failed,
        Self::RemoteAway,
        Self::Private,
        Self::IgnoredFile,
        Self::MidWord,
        Self::AfterDeletion,
        Self::NotAsked,
        Self::Empty,
        Self::TooShort,
        Self::RepeatsSuffix,
        Self::RepeatsPrefix,
        Self::Loop,
        Self::Promise,
        Self::LowConfidence,
        Self::SyntaxError,
    ];

    /// Returns the reason with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Returns the reason as one kebab-case word, stable for logs and clients.
    pub fn code(self) -> &'static str {
        self.words().0
    }

    /// Returns the reason as a sentence for a person, with what to do where there is something to do.
    pub fn explain(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Reason::Cancelled => ("cancelled", "the editor took the request back"),
            Reason::Overtaken => ("overtaken", "a newer request for the same document came first"),
            Reason::Loading => {
                ("loading", "the model is still being fetched or loaded; ask again in a moment")
            }
            Reason::NoModel => (
                "no-model",
                "there is no model; run `infill-ls model pull` or name a GGUF file in the setting `model`",
            ),
            Reason::NotOpen => ("not-open", "the editor has not opened this document here"),
            Reason::OutOfSync => (
                "out-of-sync",
                "an edit did not apply, so the text is not known any more; close the document and open it again",
            ),
            Reason::Disabled => {
                ("disabled", "completions are switched off for this language or altogether in the settings")
            }
            Reason::TooLarge => {
                ("too-large", "the document is larger than the setting for the largest document allows")
            }
            Reason::TimedOut => ("timed-out", "the time budget was used up before there was a useful text"),
            Reason::Failed => ("failed", "the model failed; `infill-ls doctor` and the log say how"),
            Reason::RemoteAway => (
                "remote-away",
                "the remote source does not answer; `infill-ls doctor` and the log say why (settings `remote.url`, `remote.fallback`)",
            ),
            Reason::Private => (
                "private",
                "this file's text must not be sent to the remote source (settings `remote.folders`, `remote.fallback`)",
            ),
            Reason::IgnoredFile => ("ignored-file", "the file is excluded by an ignore rule"),
            Reason::MidWord => {
                ("mid-word", "the cursor stands inside a word; ask explicitly to complete here")
            }
            Reason::AfterDeletion => (
                "after-deletion",
                "text was deleted here last; type on or ask explicitly (setting `automatic.after_deletion`)",
            ),
            Reason::NotAsked => {
                ("not-asked", "suggestions come only when they are asked for (setting `inline.automatic`)")
            }
            Reason::Empty => ("empty", "the model had nothing to add here"),
            Reason::TooShort => ("too-short", "what the model wrote is too short to be worth a look"),
            Reason::RepeatsSuffix => {
                ("repeats-suffix", "the model wrote what already stands below the cursor")
            }
            Reason::RepeatsPrefix => {
                ("repeats-prefix", "the model wrote what already stands above the cursor")
            }
            Reason::Loop => ("loop", "the model repeated itself without end"),
            Reason::Promise => ("promise", "the model wrote a comment that promises code, and no code"),
            Reason::LowConfidence => (
                "low-confidence",
                "the model was not sure enough of what it wrote (settings `completion.min_probability`, `completion.min_mean_probability`)",
            ),
            Reason::SyntaxError => {
                ("syntax-error", "what the model wrote would bring a syntax error into the file")
            }
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code(), self.explain())
    }
}
