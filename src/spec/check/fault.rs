//! Rules for the parameters of faults, and for which target they fit.

use super::Check;
use crate::spec::path::Path;
use crate::spec::{CpuStress, DiskFill, Fault, Target};

impl Check<'_> {
    /// The parameters of a fault; the path is the field `fault`.
    pub(super) fn fault(&mut self, path: &Path, fault: &Fault) {
        match fault {
            Fault::ProcessKill(kill) => {
                if let Some(every) = kill.every {
                    self.above_zero(path.key("process-kill").key("every"), every);
                }
            }
            Fault::ProcessPause(_) | Fault::ProcessRestart(_) => {}
            Fault::CpuStress(stress) => self.cpu_stress(&path.key("cpu-stress"), stress),
            Fault::DiskFill(fill) => self.disk_fill(&path.key("disk-fill"), fill),
            _ => self.network(path, fault),
        }
    }

    fn cpu_stress(&mut self, path: &Path, stress: &CpuStress) {
        if stress.load.get() <= 0.0 {
            self.wrong(path.key("load"), "a load of 0% is no fault");
        }
    }

    fn disk_fill(&mut self, path: &Path, fill: &DiskFill) {
        let fields = [
            ("size", fill.size.is_some()),
            ("percent", fill.percent.is_some()),
            ("leave-free", fill.leave_free.is_some()),
        ];
        self.exactly_one(path, &fields);
        if !fill.path.has_root() && !fill.path.starts_with("${run.dir}") {
            self.wrong(path.key("path"), "the path must begin with `/` or `${run.dir}`");
        }
        if fill.size.is_some_and(|size| size.bytes() == 0) {
            self.wrong(path.key("size"), "to fill 0 bytes is no fault");
        }
        if fill.percent.is_some_and(|percent| percent.get() <= 0.0) {
            self.wrong(path.key("percent"), "to fill 0% is no fault");
        }
    }

    /// Whether the fault can be done to such a target; the path is the step.
    pub(super) fn fault_fits(&mut self, path: &Path, fault: &Fault, target: &Target) {
        match fault {
            Fault::ProcessRestart(_) if target.process.is_some() => {
                let help = "use `process-kill`, or bring the program along as a service";
                let message = "only services of this experiment can be restarted";
                self.wrong_but(path.key("fault"), message, help);
            }
            Fault::ProcessKill(kill) if kill.every.is_some() && target.process.is_some() => {
                let place = path.key("fault").key("process-kill").key("every");
                let help = "leave `every` out, or bring the program along as a service with `restart: always`";
                let message =
                    "a process that is killed once is gone; only a service can be killed again";
                self.wrong_but(place, message, help);
            }
            fault if target.host && !fault.is_network() => {
                let help = "name a `service` or a `process`";
                let message = "only the network of a whole host can be disturbed";
                self.wrong_but(path.key("target").key("host"), message, help);
            }
            fault if fault.is_network() => self.partition_fits(path, fault, target),
            _ => {}
        }
    }
}
