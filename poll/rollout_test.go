package poll

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

// script is an agent whose document is a function of the time since it was
// made, and which counts its reads.
type script struct {
	began time.Time
	reads int
	at    func(time.Duration) (*pipecat.Agent, error)
}

func (s *script) Agent(ctx context.Context, _ string) (*pipecat.Agent, error) {
	s.reads++
	type answer struct {
		a   *pipecat.Agent
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		a, err := s.at(time.Since(s.began))
		answered <- answer{a, err}
	}()
	select {
	case got := <-answered:
		return got.a, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// wait polls the rollout of a script, and returns its verdict and its events.
func wait(ctx context.Context, s *script, rules params, limit time.Duration) (verdict.Failure, []event.Event) {
	s.began = time.Now()
	var events []event.Event
	log := event.Emitter{Handle: func(e event.Entry) { events = append(events, e.Event) }}
	err := Rollout(ctx, s, "bot", rules.target(), rules.policy(), time.Now().Add(limit), log)
	if err == nil {
		return verdict.Failure{Status: verdict.Ready}, events
	}
	return *verdict.Of("", err).Failure(), events
}

// shown renders events but for observations that show nothing new.
func shown(events []event.Event) string {
	var words []string
	for _, e := range events {
		switch e := e.(type) {
		case event.Observed:
			if e.Changed {
				words = append(words, e.Stage.String())
			}
		case event.BuildStatus:
			words = append(words, e.Status)
		case event.Output, event.WaitEnded: // see TestBuildPrinted
		default:
			words = append(words, strings.TrimPrefix(fmt.Sprintf("%T", e), "event."))
		}
	}
	return strings.Join(words, ", ")
}

// rollout is the usual one: the operator looks after a second, the image is
// fetched, the code is validated for a while, and then it serves.
func rollout(ready, validated time.Duration) func(time.Duration) (*pipecat.Agent, error) {
	return func(t time.Duration) (*pipecat.Agent, error) {
		a := reconciled()
		a.Ready = pipecat.False
		a.CurrentRevision.Phase = pipecat.Creating
		a.CurrentRevision.Health = nil
		switch {
		case t < min(time.Second, ready/3):
			a.ReconciledDeploymentID, a.Ready, a.CurrentRevision = "old", pipecat.True, &pipecat.Revision{DeploymentID: "old", Phase: pipecat.Active}
		case t >= ready:
			return reconciled(), nil
		case t >= ready-validated:
			a.CurrentRevision.Phase = pipecat.Validating
			a.CurrentRevision.Health = &pipecat.Health{State: "running", ReplicasStarted: 1}
		}
		return a, nil
	}
}

// noticed measures, in virtual time and over rollouts of 2 to 45 seconds, how
// long after an agent is ready that is noticed, and after how many reads. The
// shares are those of a rollout's end in which the code is seen to be validated.
func noticed(t *testing.T, shares ...float64) (mean time.Duration, reads float64) {
	var n int
	for ready := 2 * time.Second; ready <= 45*time.Second; ready += 130 * time.Millisecond {
		for _, share := range shares {
			synctest.Test(t, func(t *testing.T) {
				s := &script{at: rollout(ready, time.Duration(share*float64(ready)))}
				v, _ := wait(t.Context(), s, rules, time.Minute)
				if v.Status != verdict.Ready {
					t.Fatalf("ready after %s: %+v", ready, v)
				}
				mean += time.Since(s.began) - ready
				reads += float64(s.reads)
			})
			n++
		}
	}
	return mean / time.Duration(n), reads / float64(n)
}

var usualShares = []float64{0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40}

func TestNoticed(t *testing.T) {
	mean, reads := noticed(t, usualShares...)
	if mean >= 700*time.Millisecond || reads >= 12 {
		t.Errorf("ready is noticed after %s and %.1f reads, want less than 700ms and 12", mean, reads)
	}
}

func BenchmarkNoticed(b *testing.B) {
	for _, bm := range []struct {
		name   string
		shares []float64
	}{{"validated-10-to-40-percent", usualShares}, {"validated-10-percent", usualShares[:1]}, {"validated-40-percent", usualShares[6:]}, {"not-seen-validated", []float64{0}}} {
		b.Run(bm.name, func(b *testing.B) {
			for range b.N {
				// Virtual time is for tests, so a benchmark needs one.
				testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
					Name: "noticed",
					F: func(t *testing.T) {
						mean, reads := noticed(t, bm.shares...)
						b.ReportMetric(mean.Seconds(), "s/noticed")
						b.ReportMetric(reads, "reads/rollout")
					},
				}})
			}
		})
	}
}

func TestWait(t *testing.T) {
	const s = time.Second
	usual := rollout(20*s, 5*s)
	away := func(from, to time.Duration, err error) func(time.Duration) (*pipecat.Agent, error) {
		return func(t time.Duration) (*pipecat.Agent, error) {
			if t >= from && t < to {
				return nil, err
			}
			return usual(t)
		}
	}
	status := func(code int) *pipecat.Error {
		return &pipecat.Error{Method: "GET", URL: "u", Status: code, FromAPI: code < 500}
	}
	never := rollout(time.Hour, 0)

	tests := []struct {
		name    string
		at      func(time.Duration) (*pipecat.Agent, error)
		rules   params
		status  verdict.Status
		reason  verdict.Reason
		message string // part of it
		within  [2]time.Duration
		shown   string
	}{
		{name: "the usual", at: usual, status: verdict.Ready, within: [2]time.Duration{20 * s, 21 * s},
			shown: "waiting for Pipecat Cloud to pick up the change, Creating, Validating, Active"},
		{name: "a blip", at: away(5*s, 10*s, status(502)), status: verdict.Ready, within: [2]time.Duration{20 * s, 22 * s},
			shown: "waiting for Pipecat Cloud to pick up the change, Creating, Unreachable, Recovered, Validating, Active"},
		{name: "gone for a while", at: away(5*s, 300*s, errors.New("connection refused")), status: verdict.Ready, within: [2]time.Duration{300 * s, 305 * s}},
		{name: "gone for good", at: away(5*s, time.Hour, status(503)), status: verdict.TimedOut, reason: verdict.API,
			message: "the API could not be read when wait-timeout was up, after 10m", within: [2]time.Duration{600 * s, 600 * s}},
		{name: "the key is revoked", at: away(5*s, time.Hour, status(401)), status: verdict.Failed, reason: verdict.Auth, within: [2]time.Duration{5 * s, 9 * s}},
		{name: "it may not read", at: away(5*s, time.Hour, status(403)), status: verdict.Failed, reason: verdict.Auth, within: [2]time.Duration{5 * s, 9 * s}},
		{name: "deleted", at: away(5*s, time.Hour, status(404)), status: verdict.Failed, reason: verdict.API, message: "three reads in a row found nothing", within: [2]time.Duration{5 * s, 18 * s}},
		{name: "404 now and then", at: func(t time.Duration) (*pipecat.Agent, error) {
			if t > 5*s && t < 40*s && int(t/(4*s))%3 != 0 {
				return nil, status(404)
			}
			return rollout(50*s, 5*s)(t)
		}, status: verdict.Ready, within: [2]time.Duration{50 * s, 52 * s}},
		{name: "404 and other trouble", at: func(t time.Duration) (*pipecat.Agent, error) {
			switch n := int(t / (4 * s)); {
			case t < 5*s || t > 60*s:
				return rollout(70*s, 5*s)(t)
			case n%3 == 0:
				return nil, status(502)
			}
			return nil, status(404)
		}, status: verdict.Ready, within: [2]time.Duration{70 * s, 72 * s}},
		{name: "too new to be found", at: away(0, 15*s, status(404)), rules: params{ID: "ours", MaxRestarts: 2}, status: verdict.Ready, within: [2]time.Duration{20 * s, 24 * s}},
		{name: "never found", at: away(0, time.Hour, status(404)), rules: params{ID: "ours", MaxRestarts: 2}, status: verdict.TimedOut, reason: verdict.API, within: [2]time.Duration{600 * s, 600 * s}},
		{name: "never answered", at: func(time.Duration) (*pipecat.Agent, error) { time.Sleep(time.Hour); return nil, nil }, status: verdict.TimedOut, reason: verdict.API,
			message: "the API could not be read when wait-timeout was up, after 10m", within: [2]time.Duration{600 * s, 600 * s}},
		{name: "404 of something in between", at: away(5*s, time.Hour, &pipecat.Error{Method: "GET", URL: "u", Status: 404}), status: verdict.TimedOut, reason: verdict.API, within: [2]time.Duration{600 * s, 600 * s}},
		{name: "404 for a moment", at: away(5*s, 8*s, status(404)), status: verdict.Ready, within: [2]time.Duration{20 * s, 22 * s}},
		{name: "a Retry-After beyond the cap", at: away(5*s, 10*s, &pipecat.Error{Status: 429, RetryAfter: 400 * s}), status: verdict.Ready, within: [2]time.Duration{35 * s, 41 * s}},
		{name: "a Retry-After", at: away(5*s, 10*s, &pipecat.Error{Status: 429, RetryAfter: 20 * s}), status: verdict.Ready, within: [2]time.Duration{25 * s, 31 * s}},
		{name: "never scheduled", at: never, status: verdict.TimedOut, reason: verdict.NotScheduled,
			message: "no replica of the new revision was ever started within wait-timeout (10m): it has been in phase Creating for 9m 58s", within: [2]time.Duration{600 * s, 600 * s}},
		{name: "a phase in words of ours", at: func(t time.Duration) (*pipecat.Agent, error) {
			a, err := never(t)
			a.CurrentRevision.Phase = revision.StaleRead.String()
			return a, err
		}, status: verdict.TimedOut, reason: verdict.NotScheduled, within: [2]time.Duration{600 * s, 600 * s}},
		{name: "never ready", at: rollout(time.Hour, 59*time.Minute+50*s), status: verdict.TimedOut, reason: verdict.NotReady, within: [2]time.Duration{600 * s, 600 * s}},
		{name: "trouble at the platform", at: func(t time.Duration) (*pipecat.Agent, error) {
			a, err := never(t)
			a.CurrentRevision.HasInfrastructureIssue = true
			return a, err
		}, status: verdict.TimedOut, reason: verdict.Infrastructure, within: [2]time.Duration{600 * s, 600 * s}},
		{name: "trouble, and one poll that fails at the end", at: func(t time.Duration) (*pipecat.Agent, error) {
			if t > 597*s {
				return nil, status(502)
			}
			a, err := never(t)
			a.CurrentRevision.HasInfrastructureIssue = true
			return a, err
		}, status: verdict.TimedOut, reason: verdict.Infrastructure, within: [2]time.Duration{600 * s, 600 * s}},
		{name: "restarts that are forgiven", at: func(t time.Duration) (*pipecat.Agent, error) {
			a, err := rollout(time.Hour, 59*time.Minute+50*s)(t)
			if h := a.CurrentRevision.Health; h != nil && t > 300*s {
				h.RestartCount = new(1)
			}
			return a, err
		}, status: verdict.TimedOut, reason: verdict.NotReady, message: "it has been in phase Validating for 9m", within: [2]time.Duration{600 * s, 600 * s}},
		{name: "deleted before it was seen", at: away(0, time.Hour, status(404)), status: verdict.Failed, reason: verdict.API, within: [2]time.Duration{3 * s, 18 * s}},
		{name: "trouble that passes", at: func(t time.Duration) (*pipecat.Agent, error) {
			a, err := never(t)
			a.CurrentRevision.HasInfrastructureIssue = t > 5*s && t < 20*s
			return a, err
		}, status: verdict.TimedOut, reason: verdict.NotScheduled, within: [2]time.Duration{600 * s, 600 * s}},
		{name: "ready too late to hold", at: rollout(590*s, 5*s), rules: params{ID: "ours", Previous: "old", MinReady: 30 * s}, status: verdict.TimedOut, reason: verdict.NotReady,
			message: "the new revision is ready, but was not for min-ready-seconds within wait-timeout (10m)", within: [2]time.Duration{600 * s, 600 * s}},
		{name: "ready in the last moment", at: rollout(598*s, 0), status: verdict.Ready, within: [2]time.Duration{598 * s, 600 * s}},
		{name: "ready must hold", at: usual, rules: params{ID: "ours", Previous: "old", MinReady: 30 * s}, status: verdict.Ready, within: [2]time.Duration{50 * s, 54 * s}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.rules.ID == "" {
					tt.rules = rules
				}
				script := &script{at: tt.at}
				v, events := wait(t.Context(), script, tt.rules, 10*time.Minute)
				if v.Status != tt.status || v.Reason != tt.reason || !strings.Contains(v.Message, tt.message) {
					t.Errorf("got %+v, want %q for %q with %q", v, tt.status, tt.reason, tt.message)
				}
				if took := time.Since(script.began); took < tt.within[0] || took > tt.within[1] {
					t.Errorf("took %s, want %s to %s", took, tt.within[0], tt.within[1])
				}
				if got := shown(events); tt.shown != "" && got != tt.shown {
					t.Errorf("shown %s\nwant %s", got, tt.shown)
				}
				time.Sleep(time.Hour) // what hangs comes back
			})
		})
	}
}

// TestCrashReported holds the promise that a crash is reported within five seconds
// of being visible, whenever it comes.
func TestCrashReported(t *testing.T) {
	for at := time.Second; at < 5*time.Minute; at += 1700 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			progress := rollout(time.Hour, 0)
			s := &script{at: func(t time.Duration) (*pipecat.Agent, error) {
				a, err := progress(t)
				if t >= at && a.ReconciledDeploymentID == "ours" {
					a.CurrentRevision.Health = &pipecat.Health{Reason: "CrashLoopBackOff", RestartCount: new(1), ReplicasStarted: 1}
				}
				return a, err
			}}
			v, _ := wait(t.Context(), s, rules, 10*time.Minute)
			if late := time.Since(s.began) - at; v.Reason != verdict.Crash || late > 5*time.Second {
				t.Errorf("a crash at %s is reported %s later: %+v", at, late, v)
			}
		})
	}
}

// TestLastRead holds that what is ready a second before the deadline is seen.
func TestLastRead(t *testing.T) {
	for limit := 600 * time.Second; limit < 604*time.Second; limit += 300 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			v, _ := wait(t.Context(), &script{at: rollout(limit-1100*time.Millisecond, 0)}, rules, limit)
			if v.Status != verdict.Ready {
				t.Errorf("within %s: %+v", limit, v)
			}
		})
	}
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{at: rollout(time.Hour, 0)}
		began, last := time.Now(), time.Now()
		var signs int
		log := event.Emitter{Handle: func(e event.Entry) {
			observed, ok := e.Event.(event.Observed)
			if ok && !observed.Changed {
				return
			}
			if silent := time.Since(last); silent > 30*time.Second {
				t.Errorf("silent for %s", silent)
			}
			last = time.Now()
			signs++
		}}
		_ = Rollout(t.Context(), s, "bot", rules.target(), rules.policy(), began.Add(10*time.Minute), log)
		if signs > 30 {
			t.Errorf("%d lines in ten minutes in which nothing happens", signs)
		}
	})
}

func TestHeartbeatsWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, events := wait(t.Context(), &script{at: func(time.Duration) (*pipecat.Agent, error) { return nil, errors.New("refused") }}, rules, 2*time.Minute)
		var signs int
		for _, e := range events {
			if sign, ok := e.(event.Heartbeat); ok && sign.Still == "not readable" && sign.For >= 30*time.Second {
				signs++
			}
		}
		if signs < 3 || signs > 4 {
			t.Errorf("%d heartbeats in two minutes: %s", signs, shown(events))
		}
	})
}

func TestPlatformIssueIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		usual := rollout(30*time.Second, 0)
		_, events := wait(t.Context(), &script{at: func(t time.Duration) (*pipecat.Agent, error) {
			a, err := usual(t)
			a.CurrentRevision.HasInfrastructureIssue = t > 5*time.Second && t.Truncate(4*time.Second)%(8*time.Second) == 0
			return a, err
		}}, rules, time.Minute)
		if n := strings.Count(shown(events), "PlatformIssue"); n != 1 {
			t.Errorf("reported %d times, want once: %s", n, shown(events))
		}
	})
}

func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		s := &script{at: rollout(time.Hour, 0)}
		v, _ := wait(ctx, s, rules, time.Minute)
		if took := time.Since(s.began); v.Status != verdict.Cancelled || took != 10*time.Second {
			t.Errorf("after %s: %+v", took, v)
		}

		// While a read hangs, too.
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		s = &script{at: func(time.Duration) (*pipecat.Agent, error) { time.Sleep(time.Hour); return nil, nil }}
		v, _ = wait(ctx, s, rules, time.Minute)
		if took := time.Since(s.began); v.Status != verdict.Cancelled || took != 10*time.Second {
			t.Errorf("in a read, after %s: %+v", took, v)
		}
		time.Sleep(time.Hour)
	})
}

func (b oddBuilds) Build(context.Context, string) (*pipecat.Build, error) {
	return b.build(time.Since(b.began))
}

func (b oddBuilds) NewBuildLogs(ctx context.Context, _ string, seen int) ([]string, error) {
	return b.logs(ctx, seen)
}

func (b oddBuilds) LastBuildLogs(context.Context, string, int) ([]string, error) { return nil, nil }
