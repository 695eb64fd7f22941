//! What a running program has used, by proc(5).

use anyhow::{Context, Result};
use std::process::Command;

/// CPU time that all threads of a process have used, in microseconds: `utime` and `stime`.
pub fn cpu_us(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name (field 2) stands in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(") ").context("no stat")?;
    let mut fields = fields.split(' ').skip(11);
    let mut ticks = || -> Result<u32> { Ok(fields.next().context("no times")?.parse()?) };
    Ok(f64::from(ticks()? + ticks()?) * 1e6 / ticks_per_second()?)
}

/// Memory of a process that is in RAM, in bytes: `VmRSS`.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmRSS")?
        .parse()?;
    Ok(kibibytes * 1024)
}

fn ticks_per_second() -> Result<f64> {
    let output = Command::new("getconf").arg("CLK_TCK").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
