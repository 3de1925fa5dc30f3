//! On which machine the figures were measured: without it they say nothing.

use std::fs;

pub struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
}

/// What the kernel says of this machine.
pub fn describe() -> Machine {
    let facts = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Machine {
        processor: model(&facts).unwrap_or("unknown processor").to_owned(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        kernel: kernel.trim().to_owned(),
    }
}

fn model(facts: &str) -> Option<&str> {
    let line = facts.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, model)| model.trim())
}

impl Machine {
    pub fn sentence(&self) -> String {
        format!("{}, {} cores, Linux {}", self.processor, self.cores, self.kernel)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "processor": self.processor, "cores": self.cores, "kernel": self.kernel })
    }
}

#[cfg(test)]
mod tests {
    use super::model;

    #[test]
    fn the_processor_is_named() {
        assert_eq!(model("processor\t: 0\nmodel name\t: A 1\nprocessor\t: 1\nmodel name\t: A 1\n"), Some("A 1"));
        assert_eq!(model("processor\t: 0\n"), None);
    }
}
