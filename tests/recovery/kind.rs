//! What can be done to the machine.

use shakedown::act::{
    Act, Delay, FillDisk, Flow, Hook, Impairment, Pause, ProcessId, Shape, SiteRef, Stress, Traffic,
};
use shakedown::spec::quantity::{Cores, Duration, Percent, Size};
use shakedown::spec::{Amount, Distribution, Engine, PauseMethod};

/// A kind of act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    NamedFile,
    UnnamedFile,
    Freeze,
    Trace,
    Delay,
    Load,
}

impl Kind {
    /// The act of this kind on the `on`-th object.
    pub(crate) fn act(self, on: u8) -> Act {
        let site = SiteRef::Process(ProcessId { pid: 101 + i32::from(on), start_time: 7 });
        let amount = Amount::Size(Size::from_bytes(1));
        let fill = |path: &str| FillDisk {
            site: SiteRef::Host,
            path: path.into(),
            amount,
            allow: Vec::new(),
        };
        match self {
            Self::NamedFile => Act::FillDisk(fill("/data")),
            Self::UnnamedFile => Act::FillDisk(fill("/tmp")),
            Self::Freeze => Act::Pause(Pause { site, method: PauseMethod::Freezer }),
            Self::Trace => Act::Pause(Pause { site, method: PauseMethod::Ptrace }),
            Self::Delay => Act::Shape(Shape {
                site,
                traffic: Traffic {
                    hooks: vec![Hook::Egress],
                    flow: Flow::default(),
                    except: Vec::new(),
                    interfaces: Vec::new(),
                },
                impairment: Impairment::Delay(Delay {
                    mean: Duration::from_millis(1),
                    jitter: Duration::default(),
                    correlation: Percent::default(),
                    distribution: Distribution::default(),
                    reorder: false,
                }),
                engine: Engine::Netem,
            }),
            Self::Load => Act::Stress(Stress {
                site,
                cores: Cores::All,
                load: Percent::HUNDRED,
                duration: Duration::from_secs(1),
            }),
        }
    }
}
