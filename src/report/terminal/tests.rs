//! What the terminal shows, whole.

use std::io;

use super::*;
use crate::report::fixture;
use crate::verdict::ValueFigures;

fn told(style: Style, events: &[Event]) -> String {
    let mut out = Vec::new();
    let mut terminal = Terminal::new(style, &mut out);
    for event in events {
        terminal.observe(event);
    }
    terminal.finish();
    String::from_utf8(out).unwrap()
}

fn result(columns: usize, events: &[Event]) -> String {
    let style = Style { size: Size::new(columns, 24), ..Style::PLAIN };
    let mut out = Vec::new();
    render_final(style, &fixture::summary(events), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The block after the last event.
fn block_at(columns: usize, rows: usize, colour: bool, events: &[Event]) -> String {
    let style = Style { interactive: true, colour, size: Size::new(columns, rows) };
    let mut out = Vec::new();
    let mut terminal = Terminal::new(style, &mut out);
    for event in events {
        terminal.observe(event);
    }
    let (summary, histories) = (&terminal.summary, terminal.histories.as_slice());
    let view = View { summary, histories, now: summary.last, style };
    let lines: Vec<_> = block(&view).iter().map(|line| line.render(colour)).collect();
    lines.join("\n")
}

#[test]
fn a_log_has_a_line_for_everything_that_happens() {
    insta::assert_snapshot!(told(Style::PLAIN, &fixture::deviated()), @r"
    Checkout survives a slow payment service
    run 20261120-7f3k · seed 42 · plan 3f9a1c2b · 2 probes, 1 step

       +0.1s  ✓ service payment ready
       +0.2s  ✓ service api ready
       +0.2s  · measuring the steady state for 2s
       +2.2s  ✓ steady state held (2.0 s, 40 samples)
       +2.2s  ▶ slow payment for 6s
       +2.2s    ✓ injected network-latency on service payment (G) — qdisc netem delay 250ms jitter 50ms is on eth0, 128 packets delayed
       +3.2s    ! checkout answers wrongly — status 503, expected 200
       +8.2s    ✓ undone network-latency on service payment
       +8.2s  · waiting for recovery up to 30s
       +9.2s  ✓ checkout recovered 1.4 s after the last undo
       +9.2s  · measuring the steady state again for 2s
      +11.2s  ✓ steady state held again (2.0 s, 40 samples)
      +11.2s  ✗ under the faults, checkout success 91.3% < 95%
      +11.2s  ✓ nothing left behind
    ");
}

#[test]
fn a_log_tells_of_failures_with_control_characters_written_out() {
    insta::assert_snapshot!(told(Style::PLAIN, &fixture::not_injected()), @r"
    Checkout survives a slow payment service
    run 20261120-7f3k · seed 42 · plan 3f9a1c2b · 2 probes, 1 step

       +0.1s  ✓ service payment ready
       +0.2s  ✓ service api ready
       +0.2s  · measuring the steady state for 2s
       +2.2s  ✓ steady state held (2.0 s, 40 samples)
       +2.2s  ▶ slow payment
       +2.2s    ✗ could not inject network-latency on service pay\u{1b}[31mment — the kernel has no sch_netem; load it with `modprobe sch_netem`
       +2.2s  ✓ nothing left behind
    ");
}

#[test]
fn the_result_of_a_run_that_held() {
    insta::assert_snapshot!(result(100, &fixture::held()), @r"
    Checkout survives a slow payment service
    checkouts succeed, and fast

    probe      phase    verdict   success      p50      p99   samples
    ───────────────────────────────────────────────────────────────────
    checkout   before   ✓ held       100%    12 ms    36 ms        20
               during   ✓ held      96.7%   250 ms   750 ms        60
               after    ✓ held       100%    12 ms    36 ms        20
    cart       before   ✓ held       100%   8.0 ms    24 ms        20
               during   ✓ held       100%   8.0 ms    24 ms        60
               after    ✓ held       100%   8.0 ms    24 ms        20

    recovery   verdict   detected   outage   recovered   asked
    ──────────────────────────────────────────────────────────────────────────
    checkout   ✓ held      300 ms    6.1 s      400 ms   within 30s, hold 5s

    ✓ slow payment  network-latency on service payment  (G guarded)
      proof     qdisc netem delay 250ms jitter 50ms is on eth0, 128 packets delayed
      undo      undone, nothing of it is left

    ✓ nothing left behind

    run 20261120-7f3k · seed 42 · plan 3f9a1c2b
    took 11.2 s · before 2.0 s · during 6.0 s · recovery 1.0 s · after 2.0 s
    folder /var/lib/shakedown/20261120-7f3k

    held (exit 0): every limit was kept
    ");
}

#[test]
fn a_log_of_a_service_that_comes_back() {
    insta::assert_snapshot!(told(Style::PLAIN, &fixture::restarted()), @r"
    Checkout survives a slow payment service
    run 20261120-7f3k · seed 42 · plan 3f9a1c2b · 2 probes, 1 step

       +0.1s  ✓ service payment ready
       +0.2s  ✓ service api ready
       +0.2s  · measuring the steady state for 2s
       +2.2s  ✓ steady state held (2.0 s, 40 samples)
       +2.2s  ▶ kill api
       +2.2s    ✓ injected process-kill on service api (X) — pid 4142 gone after 0.4 ms
       +2.2s    ! service api exited — killed by SIGKILL
       +3.2s    ↻ service api started again — restart 1, pid 4150
       +3.2s    ✓ service api ready again
       +3.2s    ! service api exited — killed by SIGKILL
       +4.2s    ↻ service api started again — restart 2, pid 4150
       +4.2s    ✓ service api ready again
       +4.2s    ✓ process-kill on service api: 2 times, 2 of them proved
       +4.2s  · measuring the steady state again for 2s
       +6.2s  ✓ steady state held again (2.0 s, 40 samples)
       +6.2s  ✓ hypothesis held under the faults (2.0 s, 40 samples)
       +6.2s  ✓ nothing left behind
    ");
}

#[test]
fn repeated_kills_are_one_fault_of_the_result_and_values_have_a_column() {
    let mut summary = fixture::summary(&fixture::restarted());
    if let Some(run) = &mut summary.run {
        run.probes[0].measures_value = true;
    }
    let value = ValueFigures { min: 1.0, mean: 2.0, max: 3.5, last: 2.0 };
    summary.verdicts[0].figures.value = Some(value);
    let mut out = Vec::new();
    render_final(Style::PLAIN, &summary, &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    Checkout survives a slow payment service
    checkouts succeed, and fast

    probe      phase    verdict   success      p50      p99   samples     value
    ─────────────────────────────────────────────────────────────────────────────
    checkout   before   ✓ held       100%    12 ms    36 ms        20   1 … 3.5
               during   ✓ held       100%   250 ms   750 ms        20         –
               after    ✓ held       100%    12 ms    36 ms        20         –
    cart       before   ✓ held       100%   8.0 ms    24 ms        20         –
               during   ✓ held       100%   8.0 ms    24 ms        20         –
               after    ✓ held       100%   8.0 ms    24 ms        20         –

    ✓ kill api  process-kill on service api ×2  (X irreversible)
      proof     2 of 2 times, the last: pid 4142 gone after 0.4 ms
      undo      none, it is irreversible

    ✓ nothing left behind

    run 20261120-7f3k · seed 42 · plan 3f9a1c2b
    took 6.2 s · before 2.0 s · during 2.0 s · after 2.0 s
    folder /var/lib/shakedown/20261120-7f3k

    held (exit 0): every limit was kept
    ");
}

#[test]
fn the_result_of_a_run_that_deviated() {
    insta::assert_snapshot!(result(80, &fixture::deviated()), @r"
    Checkout survives a slow payment service
    checkouts succeed, and fast

    probe      phase    verdict      success      p50      p99   samples
    ──────────────────────────────────────────────────────────────────────
    checkout   before   ✓ held          100%    12 ms    36 ms        20
               during   ✗ deviated     91.3%   250 ms   750 ms        46
               after    ✓ held          100%    12 ms    36 ms        20
    cart       before   ✓ held          100%   8.0 ms    24 ms        20
               during   ✓ held          100%   8.0 ms    24 ms        60
               after    ✓ held          100%   8.0 ms    24 ms        20

    recovery   verdict   detected   outage   recovered   asked
    ──────────────────────────────────────────────────────────────────────────
    checkout   ✓ held      300 ms    6.1 s       1.4 s   within 30s, hold 5s

    ✓ slow payment  network-latency on service payment  (G guarded)
      proof     qdisc netem delay 250ms jitter 50ms is on eth0, 128 packets delayed
      undo      undone, nothing of it is left

    ✓ nothing left behind

    run 20261120-7f3k · seed 42 · plan 3f9a1c2b
    took 11.2 s · before 2.0 s · during 6.0 s · recovery 1.0 s · after 2.0 s
    folder /var/lib/shakedown/20261120-7f3k

    deviated (exit 1): during `slow payment`, checkout success 91.3% < 95% (missed
    by 3.7 points), first at +4.2 s
    ");
}

#[test]
fn the_result_of_a_run_that_left_something_behind() {
    insta::assert_snapshot!(result(80, &fixture::residue()), @r"
    Checkout survives a slow payment service
    checkouts succeed, and fast

    probe      phase    verdict        success      p50     p99   samples
    ───────────────────────────────────────────────────────────────────────
    checkout   before   ✓ held            100%    12 ms   36 ms        20
               during   · not judged      100%        –       –        60
    cart       before   ✓ held            100%   8.0 ms   24 ms        20
               during   · not judged      100%        –       –        60

    ✗ slow payment  network-latency on service payment  (G guarded)
      proof     qdisc netem delay 250ms jitter 50ms is on eth0, 128 packets delayed
      undo      failed: netlink: operation not permitted; by hand: nsenter -t 4141
                -n tc qdisc del dev eth0 root

    ✗ left behind
      - qdisc netem 8001: on eth0 of service payment

    run 20261120-7f3k · seed 42 · plan 3f9a1c2b
    took 8.2 s · before 2.0 s · during 6.0 s
    folder /var/lib/shakedown/20261120-7f3k

    residue (exit 6): network-latency on service payment could not be undone
    next: call whoever owns the host now; `shakedown rollback` tries again, or by
          hand: nsenter -t 4141 -n tc qdisc del dev eth0 root
    ");
}

#[test]
fn the_result_of_a_run_without_proof() {
    insta::assert_snapshot!(result(80, &fixture::inconclusive()), @r"
    Checkout survives a slow payment service
    checkouts succeed, and fast

    probe      phase    verdict        success      p50      p99   samples
    ────────────────────────────────────────────────────────────────────────
    checkout   before   ✓ held            100%    12 ms    36 ms        20
               during   ? unknown         100%   250 ms   750 ms         1
               after    ✓ held            100%    12 ms    36 ms        20
    cart       before   ✓ held            100%   8.0 ms    24 ms        20
               during   · not judged      100%        –        –        60
               after    ✓ held            100%   8.0 ms    24 ms        20

    recovery   verdict   detected   outage   recovered   asked
    ──────────────────────────────────────────────────────────────────────────
    checkout   ✓ held      300 ms    6.1 s         0 s   within 30s, hold 5s

    ✗ slow payment  network-latency on service payment  (G guarded)
      proof     no effect: no packet has met it
      undo      undone, nothing of it is left

    ✓ nothing left behind

    ? under the faults, checkout cannot be judged: 1 sample, 30 are asked
    ? network-latency on service payment has no proved effect: no packet has met it

    run 20261120-7f3k · seed 42 · plan 3f9a1c2b
    took 11.2 s · before 2.0 s · during 6.0 s · recovery 1.0 s · after 2.0 s
    folder /var/lib/shakedown/20261120-7f3k

    inconclusive (exit 7): network-latency on service payment has no proved effect
    next: a fault that nothing met proves nothing; see that the target is in use
          while it is on, then run it again
    ");
}

#[test]
fn the_result_of_a_run_that_was_killed() {
    insta::assert_snapshot!(result(80, &fixture::killed()), @r"
    Checkout survives a slow payment service
    checkouts succeed, and fast

    probe      phase    verdict        success      p50     p99   samples
    ───────────────────────────────────────────────────────────────────────
    checkout   before   ✓ held            100%    12 ms   36 ms        20
               during   · not judged     90.0%        –       –        20
    cart       before   ✓ held            100%   8.0 ms   24 ms        20
               during   · not judged      100%        –       –        20

    ✗ slow payment  network-latency on service payment  (G guarded)
      proof     qdisc netem delay 250ms jitter 50ms is on eth0, 128 packets delayed
      undo      not known to be undone
    ! start-service on service payment  not known to be undone
    ! start-service on service api  not known to be undone

    ! what is left behind was not checked

    run 20261120-7f3k · seed 42 · plan 3f9a1c2b
    took 4.1 s · before 2.0 s · during 1.9 s
    folder /var/lib/shakedown/20261120-7f3k

    did not finish: the run ended without a verdict after 4.1 s; 3 acts are not
    known to be undone
    next: `shakedown rollback` undoes what may be left; then run it again
    ");
}

#[test]
fn the_live_block() {
    insta::assert_snapshot!(block_at(80, 24, false, &fixture::killed()), @r"
    ▶ slow payment                                                         5 s left
      checkout                                       ▁▁▁▁█!█!█  92.6%  p99   252 ms
      cart                                           ▂▂▂▂▂▂▂▂▂   100%  p99   9.0 ms
      services  ● payment  ● api
      fault     ✓ network-latency on service payment (G) qdisc netem delay 250ms j…
    ");
}

#[test]
fn the_live_block_on_a_narrow_terminal() {
    insta::assert_snapshot!(block_at(40, 24, false, &fixture::killed()), @r"
    ▶ slow payment                 5 s left
      checkout     ▁▁▁▁█!█!█  92.6%  252 ms
      cart         ▂▂▂▂▂▂▂▂▂   100%  9.0 ms
      services  ● payment  ● api
      fault     ✓ network-latency on servi…
    ");
}

#[test]
fn the_block_fits_every_terminal() {
    for events in fixture::all() {
        for columns in [20, 21, 40, 59, 60, 61, 80, 119] {
            for rows in [4, 6, 10, 40] {
                let block = block_at(columns, rows, false, &events);
                assert!(block.lines().count() < rows, "{columns}×{rows}\n{block}");
                let widest = block.lines().map(|line| Text::new(PLAIN, line).width()).max();
                assert!(widest < Some(columns), "{columns}×{rows}\n{block}");
            }
        }
    }
}

#[test]
fn a_log_has_no_escapes_and_no_carriage_returns() {
    for events in fixture::all() {
        let log = told(Style::PLAIN, &events);
        assert!(!log.contains(|c: char| c.is_control() && c != '\n'));
    }
}

#[test]
fn no_control_character_of_a_name_reaches_the_terminal() {
    let events = fixture::not_injected();
    let style = Style { interactive: true, colour: true, size: Size::new(80, 24) };
    assert!(!told(style, &events).contains("\u{1b}[31mment"));
    assert!(result(80, &events).contains("pay\\u{1b}[31mment"));
}

#[test]
fn the_cursor_is_never_hidden_and_the_block_goes_in_the_end() {
    let style = Style { interactive: true, colour: true, size: Size::new(80, 24) };
    let screen = told(style, &fixture::killed());
    assert!(!screen.contains("\u{1b}[?"));
    assert!(screen.ends_with("\u{1b}[J"));
}

/// Takes so many bytes and is then closed, as a terminal whose connection dropped.
struct Closing(usize);

impl io::Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_terminal_does_not_end_the_run() {
    for interactive in [false, true] {
        let mut out = Closing(100);
        let style = Style { interactive, ..Style::PLAIN };
        let mut terminal = Terminal::new(style, &mut out);
        for event in fixture::held() {
            terminal.observe(&event);
            terminal.tick(event.elapsed);
        }
        assert!(terminal.summary().end.is_some());
    }
}

#[test]
fn frames_come_ten_times_a_second_at_most() {
    let style = Style { interactive: true, ..Style::PLAIN };
    let events = fixture::killed();
    let mut out = Vec::new();
    let mut terminal = Terminal::new(style, &mut out);
    terminal.observe(&events[0]);
    for millis in 0..1000 {
        terminal.tick(Elapsed(millis * 1_000_000));
    }
    drop(terminal);
    let frames = String::from_utf8(out).unwrap().matches("starting").count();
    assert_eq!(frames, 10);
}
