//! How the families of models are shown a gap, as text: for servers that take a plain prompt. A marker that stands written
//! in the user's own text is broken up, so that it stays text.

use super::ask::Gap;

/// The texts with which a family of models is shown a gap.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Family {
    /// Its name in the settings.
    pub(super) name: &'static str,
    /// Before the text before the cursor, before the text after it, and before what is to be written.
    gap: [&'static str; 3],
    /// Before a project's name and before each file's path, where the family knows whole projects.
    project: Option<[&'static str; 2]>,
    /// What ends an answer, the most frequent first.
    pub(super) ends: &'static [&'static str],
}

/// Qwen's coders.
pub(super) const QWEN: Family = Family {
    name: "qwen",
    gap: ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    project: Some(["<|repo_name|>", "<|file_sep|>"]),
    ends: &["<|endoftext|>", "<|file_sep|>", "<|fim_pad|>", "<|im_end|>"],
};

/// StarCoder 2 and Granite.
pub(super) const STARCODER: Family = Family {
    name: "starcoder",
    gap: ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    project: Some(["<repo_name>", "<file_sep>"]),
    ends: &["<|endoftext|>", "<file_sep>", "<fim_pad>"],
};

/// DeepSeek's coders.
pub(super) const DEEPSEEK: Family = Family {
    name: "deepseek",
    gap: ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    project: None,
    ends: &["<｜end▁of▁sentence｜>", "<|EOT|>"],
};

/// Code Llama.
pub(super) const CODELLAMA: Family = Family {
    name: "codellama",
    gap: ["<PRE> ", " <SUF>", " <MID>"],
    project: None,
    ends: &["<EOT>", "</s>"],
};

/// CodeGemma.
pub(super) const CODEGEMMA: Family = Family {
    name: "codegemma",
    gap: ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    project: None,
    ends: &["<|file_separator|>", "<eos>", "<end_of_turn>"],
};

impl Family {
    /// Returns the family of a model by its name on the server.
    pub(super) fn of(model: &str) -> Option<&'static Self> {
        let name = model.to_lowercase();
        let families: [(&str, &Self); 8] = [
            ("codeqwen", &QWEN),
            ("qwen", &QWEN),
            ("starcoder", &STARCODER),
            ("granite", &STARCODER),
            ("deepseek", &DEEPSEEK),
            ("codellama", &CODELLAMA),
            ("code-llama", &CODELLAMA),
            ("codegemma", &CODEGEMMA),
        ];
        families.into_iter().find(|(part, _)| name.contains(part)).map(|(_, family)| family)
    }

    /// Returns the prompt for a gap: other files, prefix, suffix, and what has been typed as the beginning of the middle.
    pub(super) fn prompt(&self, gap: &Gap) -> String {
        let plain = |text: &str| self.broken_up(text);
        let mut prompt = String::new();
        if let (Some([name, file]), false) = (self.project, gap.files.is_empty()) {
            prompt += &format!("{name}{}\n", plain(&gap.project));
            for (path, text) in &gap.files {
                prompt += &format!("{file}{}\n{}", plain(path), plain(text));
            }
            prompt += &format!("{file}{}\n", plain(gap.path.as_deref().unwrap_or_default()));
        }
        let [prefix, suffix, middle] = self.gap;
        let (before, after) = (plain(&gap.before), plain(&gap.after));
        prompt + prefix + &before + suffix + &after + middle + &plain(&gap.typed)
    }

    /// Returns a text in which no marker is left.
    fn broken_up(&self, text: &str) -> String {
        let project = self.project.iter().flatten();
        broken_up(text, self.gap.iter().chain(project).chain(self.ends))
    }
}

/// Markers of a chat.
const CHAT: &[&str] = &["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>"];

/// Returns a text in which no marker is left of any family, nor of a chat: for servers that read markers in a text as such.
pub(super) fn without_markers(text: &str) -> String {
    let families = [&QWEN, &STARCODER, &DEEPSEEK, &CODELLAMA];
    families.into_iter().fold(broken_up(text, CHAT.iter()), |text, family| family.broken_up(&text))
}

fn broken_up<'a>(text: &str, markers: impl Iterator<Item = &'a &'static str>) -> String {
    let mut text = text.to_owned();
    for marker in markers.map(|marker| marker.trim()) {
        if text.contains(marker) {
            let head = marker.chars().next().map_or(0, char::len_utf8);
            text = text.replace(marker, &format!("{}\u{200b}{}", &marker[..head], &marker[head..]));
        }
    }
    text
}
