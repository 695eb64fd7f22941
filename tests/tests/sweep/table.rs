//! The table of a sweep: kinds of faults, runs, violations.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use kubeop_tests::proxy::Fault;

use crate::run::Walked;

#[derive(Default)]
pub struct Table {
    rows: BTreeMap<String, Row>,
    violations: Vec<String>,
}

#[derive(Default)]
struct Row {
    runs: usize,
    struck: usize,
    /// The most that one run wrote.
    writes: usize,
    violations: usize,
}

impl Table {
    /// Adds a run.
    pub fn add(&mut self, fault: Fault, walked: Result<Walked>) {
        let row = self.rows.entry(fault.kind()).or_default();
        row.runs += 1;
        match walked {
            // Late news strike all the time.
            Ok(walked) => {
                row.writes = row.writes.max(walked.ledger.writes.len());
                if walked.ledger.struck.is_some() || fault.strike.is_none() {
                    row.struck += 1;
                } else {
                    println!("{fault} was not reached");
                }
            }
            Err(error) => {
                row.violations += 1;
                row.struck += 1;
                println!("violation: {error:#}");
                self.violations.push(format!("{error:#}"));
            }
        }
    }

    /// How many runs there were, and how many of them met their fault.
    pub fn reached(&self) -> (usize, usize) {
        let rows = self.rows.values();
        rows.fold((0, 0), |(runs, struck), row| {
            (runs + row.runs, struck + row.struck)
        })
    }

    pub fn violations(&self) -> &[String] {
        &self.violations
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |columns: [&dyn fmt::Display; 5]| {
            let [fault, runs, struck, writes, violations] = columns;
            writeln!(
                f,
                "{fault:<32} {runs:>6} {struck:>8} {writes:>14} {violations:>11}"
            )
        };
        line([&"fault", &"runs", &"struck", &"writes at most", &"violations"])?;
        for (kind, row) in &self.rows {
            line([kind, &row.runs, &row.struck, &row.writes, &row.violations])?;
        }
        Ok(())
    }
}
