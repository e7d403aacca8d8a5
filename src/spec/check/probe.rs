//! Rules for the hypothesis and its probes.

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json_path::JsonPath;

use super::Check;
use crate::spec::path::Path;
use crate::spec::{
    CommandProbe, HttpProbe, HypothesisProbe, JsonExpectation, ProcessProbe, TcpProbe, template,
};

impl Check<'_> {
    pub(super) fn hypothesis(&mut self) {
        let (hypothesis, path) = (&self.experiment.hypothesis, Path::of("hypothesis"));
        self.text(path.key("title"), &hypothesis.title);
        self.above_zero(path.key("before"), hypothesis.before);
        self.above_zero(path.key("after"), hypothesis.after);
        let path = path.key("probes");
        if hypothesis.probes.is_empty() {
            self.wrong(path.clone(), "a hypothesis needs at least one probe");
        }
        let names = hypothesis.probes.iter().enumerate();
        self.unique(
            names.map(|(index, probe)| (path.item(index).key("name"), probe.name.as_str())),
        );
        for (index, probe) in hypothesis.probes.iter().enumerate() {
            self.probe(&path.item(index), probe);
        }
    }

    fn probe(&mut self, path: &Path, probe: &HypothesisProbe) {
        let fields = [
            ("http", probe.http.is_some()),
            ("tcp", probe.tcp.is_some()),
            ("command", probe.command.is_some()),
            ("process", probe.process.is_some()),
        ];
        self.exactly_one(path, &fields);
        if let Some(http) = &probe.http {
            self.http(&path.key("http"), http);
        }
        if let Some(tcp) = &probe.tcp {
            self.tcp(&path.key("tcp"), tcp);
        }
        if let Some(command) = &probe.command {
            self.command(&path.key("command"), command);
        }
        if let Some(process) = &probe.process {
            self.process(&path.key("process"), process);
        }
        self.tolerance(&path.key("tolerance"), &probe.tolerance, probe);
        if let Some(during) = &probe.during {
            self.tolerance(&path.key("during"), during, probe);
        }
        if let Some(recovery) = probe.recovery {
            self.above_zero(path.key("recovery").key("within"), recovery.within);
            self.above_zero(path.key("recovery").key("hold"), recovery.hold);
        }
    }

    pub(super) fn http(&mut self, path: &Path, http: &HttpProbe) {
        self.url(path.key("url"), &http.url);
        if Method::from_bytes(http.method.as_bytes()).is_err()
            || http.method != http.method.to_uppercase()
        {
            let message = format!("`{}` is no HTTP method", http.method);
            self.wrong_but(path.key("method"), message, "write one such as `GET` or `POST`");
        }
        for (name, value) in &http.headers {
            let path = path.key("headers").key(name);
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                self.wrong_key(path, format!("`{name}` is no name of a header"));
            } else if HeaderValue::from_str(&filled(value)).is_err() {
                self.wrong(path, "a header's value is one line of visible characters");
            }
        }
        self.above_zero(path.key("timeout"), http.timeout);
        if let Some(json) = &http.expect.json {
            self.json(path.key("expect").key("json").key("path"), json);
        }
    }

    fn url(&mut self, path: Path, url: &str) {
        match Url::parse(&filled(url)) {
            Err(error) => self.wrong_but(path, format!("`{url}` is no URL: {error}"), URL),
            Ok(parsed) if !matches!(parsed.scheme(), "http" | "https") => {
                let message = format!("`{}:` is not a scheme that can be probed", parsed.scheme());
                self.wrong_but(path, message, URL);
            }
            Ok(_) => {}
        }
    }

    fn json(&mut self, path: Path, json: &JsonExpectation) {
        if let Err(error) = JsonPath::parse(&json.path) {
            let message = format!("`{}` is no JSONPath: {error}", json.path);
            self.wrong_but(path, message, "write one such as `$.queue.length`");
        }
    }

    pub(super) fn tcp(&mut self, path: &Path, tcp: &TcpProbe) {
        let good = tcp.address.rsplit_once(':').is_some_and(|(host, port)| {
            let bracketed = host.starts_with('[') && host.ends_with(']');
            !host.is_empty()
                && (bracketed || !host.contains(':'))
                && !host.contains(['/', ' '])
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !good {
            let message = format!("`{}` is no address with a port", tcp.address);
            self.wrong_but(
                path.key("address"),
                message,
                "write one such as `127.0.0.1:5432` or `[::1]:80`",
            );
        }
        self.above_zero(path.key("timeout"), tcp.timeout);
    }

    pub(super) fn command(&mut self, path: &Path, command: &CommandProbe) {
        self.exactly_one(
            path,
            &[("run", !command.run.is_empty()), ("shell", command.shell.is_some())],
        );
        if !command.run.is_empty() {
            self.program(&path.key("run"), &command.run);
        }
        if let Some(shell) = &command.shell {
            self.text(path.key("shell"), shell);
        }
        self.environment(&path.key("environment"), &command.environment);
        self.above_zero(path.key("timeout"), command.timeout);
    }

    fn process(&mut self, path: &Path, process: &ProcessProbe) {
        let fields = [("service", process.service.is_some()), ("select", process.select.is_some())];
        self.exactly_one(path, &fields);
        if let Some(services) = &process.service {
            self.service_names(&path.key("service"), services);
        }
        if let Some(select) = &process.select {
            self.selector(&path.key("select"), select);
        }
    }
}

const URL: &str = "write one such as `http://127.0.0.1:8080/health`";

/// The text with something harmless for what is filled in later.
fn filled(text: &str) -> String {
    template::fill(text, |_| Some("1".to_owned())).unwrap_or_default()
}
