//! What the tensors of a checkpoint are called there, by the names that GGUF files have for them, and how they differ from
//! those of a GGUF file.

/// How a tensor of a checkpoint becomes that of a GGUF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is the same.
    None,
    /// Rows are columns: GPT-2's linear layers are kept the other way round.
    Turned,
    /// It is kept as the distance from 1: Gemma's norms.
    PlusOne,
}

/// What stands before a name; models that also see pictures have their text's part in a part of its own.
const PREFIXES: &[&str] =
    &["", "model.", "transformer.", "language_model.model.", "language_model.", "model.language_model."];

/// The names outside the layers, then those inside; what `.weight` and `.bias` are appended to.
type Table = (&'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

/// The names of one architecture.
pub(super) struct Names {
    architecture: &'static str,
    outside: &'static [(&'static str, &'static str)],
    inside: &'static [(&'static str, &'static str)],
}

const LLAMA: Table = (
    &[("token_embd", "embed_tokens"), ("output_norm", "norm"), ("output", "lm_head")],
    &[
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_qkv", "self_attn.qkv_proj"),
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ],
);

/// Where they differ from [`LLAMA`], by architecture.
const DIFFERENT: &[(&str, &[(&str, &str)])] = &[
    ("starcoder2", &[("ffn_up", "mlp.c_fc"), ("ffn_down", "mlp.c_proj")]),
    ("phi3", &[("ffn_up", "mlp.gate_up_proj")]),
    ("gemma2", POST_NORMS),
    ("gemma3", POST_NORMS),
    (
        "glm4",
        &[
            ("post_attention_norm", "post_self_attn_layernorm"),
            ("post_ffw_norm", "post_mlp_layernorm"),
            ("ffn_up", "mlp.gate_up_proj"),
        ],
    ),
];

const POST_NORMS: &[(&str, &str)] = &[
    ("post_attention_norm", "post_attention_layernorm"),
    ("ffn_norm", "pre_feedforward_layernorm"),
    ("post_ffw_norm", "post_feedforward_layernorm"),
];

const GPT2: Table = (
    &[("token_embd", "wte"), ("position_embd", "wpe"), ("output_norm", "ln_f")],
    &[
        ("attn_norm", "ln_1"),
        ("attn_qkv", "attn.c_attn"),
        ("attn_output", "attn.c_proj"),
        ("ffn_norm", "ln_2"),
        ("ffn_up", "mlp.c_fc"),
        ("ffn_down", "mlp.c_proj"),
    ],
);

impl Names {
    /// Returns the names of an architecture.
    pub(super) fn of(architecture: &'static str) -> Self {
        let (outside, inside) = if matches!(architecture, "gpt2" | "starcoder") { GPT2 } else { LLAMA };
        Self { architecture, outside, inside }
    }

    /// Returns the names that a tensor of a GGUF file may have, and how it differs; `None` for one that is not there.
    pub(super) fn candidates(&self, name: &str) -> Option<(Vec<String>, Change)> {
        let (path, kind) = name.rsplit_once('.')?;
        let theirs = match path.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) {
            Some((layer, part)) => {
                let layers = if self.inside == GPT2.1 { "h" } else { "layers" };
                format!("{layers}.{layer}.{}.{kind}", self.inside(part)?)
            }
            None => format!("{}.{kind}", found(self.outside, path)?),
        };
        let is_linear = kind == "weight" && path.starts_with("blk.") && !path.ends_with("norm");
        let change = match self.architecture {
            "gpt2" if is_linear => Change::Turned,
            "gemma" | "gemma2" | "gemma3" if path.ends_with("norm") => Change::PlusOne,
            _ => Change::None,
        };
        Some((PREFIXES.iter().map(|prefix| format!("{prefix}{theirs}")).collect(), change))
    }

    fn inside(&self, part: &str) -> Option<&'static str> {
        let different = DIFFERENT.iter().find(|(architecture, _)| *architecture == self.architecture);
        different.and_then(|(_, table)| found(table, part)).or_else(|| found(self.inside, part))
    }
}

fn found(table: &'static [(&'static str, &'static str)], part: &str) -> Option<&'static str> {
    table.iter().find(|(ours, _)| *ours == part).map(|(_, theirs)| *theirs)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Change, Names};

    #[test]
    fn names_are_those_of_the_family() {
        let first = |architecture, name| {
            let (names, change) = Names::of(architecture).candidates(name).unwrap();
            (names[0].clone(), change)
        };
        let expected = ("layers.3.mlp.gate_up_proj.weight".to_owned(), Change::None);
        assert_eq!(first("phi3", "blk.3.ffn_up.weight"), expected);
        let expected = ("h.0.attn.c_attn.weight".to_owned(), Change::Turned);
        assert_eq!(first("gpt2", "blk.0.attn_qkv.weight"), expected);
        let expected = ("layers.1.pre_feedforward_layernorm.weight".to_owned(), Change::PlusOne);
        assert_eq!(first("gemma2", "blk.1.ffn_norm.weight"), expected);
        assert_eq!(Names::of("llama").candidates("blk.1.post_ffw_norm.weight"), None);
        assert_eq!(Names::of("llama").candidates("rope_freqs"), None);
    }
}
