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
    violations: usize,
}

impl Table {
    /// Adds a run.
    pub fn add(&mut self, fault: Fault, walked: Result<Walked>) {
        let kind = match fault {
            Fault::AtWrite(_, what) => what.to_string(),
            Fault::AtNews(_, what) => what.to_string(),
            Fault::DelayNews(_) => fault.to_string(),
        };
        let row = self.rows.entry(kind).or_default();
        row.runs += 1;
        match walked {
            // Late news strike all the time.
            Ok(walked) => {
                row.struck +=
                    usize::from(walked.ledger.struck.is_some() || matches!(fault, Fault::DelayNews(_)));
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
        writeln!(
            f,
            "{:<20} {:>6} {:>8} {:>11}",
            "fault", "runs", "struck", "violations"
        )?;
        for (kind, row) in &self.rows {
            writeln!(
                f,
                "{kind:<20} {:>6} {:>8} {:>11}",
                row.runs, row.struck, row.violations
            )?;
        }
        Ok(())
    }
}
