//! Writes the generated files of the repository: `just generate`.

use anyhow::Context;
use kubeop_tests::generated::{files, repository};
use std::fs;

fn main() -> anyhow::Result<()> {
    for file in files() {
        let path = repository().join(&file.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::write(&path, &file.text).with_context(|| format!("cannot write {}", file.path))?;
        println!("{:>7} bytes  {}", file.text.len(), file.path);
    }
    Ok(())
}
