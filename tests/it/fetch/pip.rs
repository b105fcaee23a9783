//! A pip of a few lines of shell: "downloads" wheels that the test has made, and writes down what it was asked for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use infill_ls::fetch::Wheel;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A directory with the script and its wheels.
pub struct Pip {
    dir: PathBuf,
}

impl Pip {
    /// Makes a pip in `dir` that runs `extra` (shell, with the requirement in `$1` and the place in `$dest`) before it
    /// copies the wheel.
    pub fn new(dir: &Path, extra: &str) -> Self {
        let dir = dir.join("pip");
        fs::create_dir_all(&dir).unwrap();
        let script = format!(
            "if [ \"$1\" = --version ]; then exit 0; fi\n\
             while [ $# -gt 1 ]; do if [ \"$1\" = --dest ]; then dest=$2; fi; shift; done\n\
             echo \"$1\" >> '{here}/asked'\n\
             {extra}\n\
             cp \"{here}/$1.whl\" \"$dest/\"\n",
            here = dir.display()
        );
        fs::write(dir.join("pip.sh"), script).unwrap();
        Self { dir }
    }

    /// Puts `bytes` into a wheel of the index.
    pub fn offer(&self, wheel: &Wheel, bytes: &[u8]) {
        let file = File::create(self.dir.join(format!("{}=={}.whl", wheel.package, wheel.version))).unwrap();
        let mut archive = ZipWriter::new(file);
        archive.start_file("package/__init__.py", SimpleFileOptions::default()).unwrap();
        archive.start_file(format!("package/{}", wheel.member), SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
        archive.finish().unwrap();
    }

    /// Returns the command line.
    pub fn command(&self) -> Vec<OsString> {
        vec!["sh".into(), self.dir.join("pip.sh").into_os_string()]
    }

    /// Returns the requirements asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.dir.join("asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }
}
