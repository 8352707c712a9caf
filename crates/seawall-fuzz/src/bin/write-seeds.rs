//! Writes what a fuzzer begins with: `write-seeds FOLDER` fills a folder for each target in FOLDER.

use std::{env, fs, io, path::PathBuf};

use seawall_fuzz::TARGETS;

fn main() -> io::Result<()> {
    let root = env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| io::Error::other("Usage: write-seeds FOLDER"))?;
    for target in TARGETS {
        let folder = root.join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
