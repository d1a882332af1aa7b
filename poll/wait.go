package poll

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"

	"pipecat-cloud-deploy/pipecat"
	"pipecat-cloud-deploy/verdict"
)

const (
	slowest    = 4 * time.Second  // between looks, so that a crash is told within five
	signOfLife = 30 * time.Second // at the latest
	goneAfter  = 3                // answers of 404 in a row
	maxAsked   = time.Minute      // that an API which asks for patience is given
)

// The pace of looking is measured by BenchmarkNoticed. Each begins anew after
// a change.
func calmPace() *backoff.ExponentialBackOff  { return pace(2*time.Second, 1.6) }
func eagerPace() *backoff.ExponentialBackOff { return pace(800*time.Millisecond, 1.05) }

func pace(first time.Duration, slowdown float64) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(first),
		backoff.WithMultiplier(slowdown),
		backoff.WithMaxInterval(slowest),
		backoff.WithRandomizationFactor(0), // jobs do not start in step, and what repeats exactly can be tested
		backoff.WithMaxElapsedTime(0),
	)
}

// Agents reads agents.
type Agents interface {
	Agent(ctx context.Context, name string) (*pipecat.Agent, error)
}

// Builds reads builds.
type Builds interface {
	Build(ctx context.Context, id string) (*pipecat.Build, error)
}

// Event is something that a waiting job has seen. It is told as it happens.
type Event interface{ pollEvent() }

// AgentSeen is one look at an agent.
type AgentSeen struct {
	Agent   *pipecat.Agent
	Look    Look
	Changed bool // there is something new to tell
	At      time.Time
	Elapsed time.Duration // since the wait began
}

// BuildSeen is a build's new status.
type BuildSeen struct {
	Build   *pipecat.Build
	Elapsed time.Duration
}

// Alive is a sign of life: nothing has changed for a while.
type Alive struct {
	Stage   string        // where it is
	For     time.Duration // since when
	Elapsed time.Duration
}

// Away says that the API cannot be read any more.
type Away struct{ Err error }

// Back says that it can be read again.
type Back struct{ After time.Duration }

// Trouble says that the platform has an infrastructure issue of its own.
type Trouble struct{}

func (AgentSeen) pollEvent() {}
func (BuildSeen) pollEvent() {}
func (Alive) pollEvent()     {}
func (Away) pollEvent()      {}
func (Back) pollEvent()      {}
func (Trouble) pollEvent()   {}

// Rollout waits for one deployment of one agent.
type Rollout struct {
	Agents   Agents // tried again by the wait itself, so each read is one try
	Name     string
	Rules    Rules
	Deadline time.Time
	Report   func(Event)
}

// Wait looks at the agent until there is a verdict. At the latest there is one
// at the Deadline, and soon after ctx is cancelled.
func (r Rollout) Wait(ctx context.Context) verdict.Verdict {
	var (
		memory   Memory
		last     Look
		since    = time.Now() // last.Stage
		v        verdict.Verdict
		troubled bool
	)
	w := newWatch(r.Deadline, r.Report)
	w.alive = func() Alive { return Alive{Stage: last.Stage, For: time.Since(since)} }
	err := w.until(ctx, func(ctx context.Context) (seen, error) {
		doc, err := r.Agents.Agent(ctx, r.Name)
		if err != nil {
			return seen{}, err
		}
		now := time.Now()
		look := See(doc, r.Rules)
		v, memory = Judge(doc, r.Rules, memory, now)
		if look.Stage != last.Stage {
			since = now
		}
		changed := look != last
		last = look
		events := []Event{AgentSeen{doc, look, changed, now, now.Sub(w.start)}}
		if memory.Infrastructure && !troubled {
			troubled = true
			events = append(events, Trouble{})
		}
		return seen{events: events, changed: changed, near: memory.Started, done: v.Status != ""}, nil
	})
	switch {
	case err == nil:
		return v
	case errors.Is(err, errDeadline):
		return r.timedOut(w, memory, last, time.Since(since))
	case ctx.Err() != nil:
		return verdict.Verdict{
			Status:  verdict.Cancelled,
			Reason:  verdict.Stopped,
			Message: fmt.Sprintf("the job was stopped while the deployment was %s; its rollout goes on without it", inStage(last.Stage)),
		}
	}
	return verdict.Of(err)
}

// timedOut is the verdict when there was none before the deadline.
func (r Rollout) timedOut(w *watch, m Memory, last Look, stuck time.Duration) verdict.Verdict {
	v := verdict.Verdict{Status: verdict.TimedOut}
	limit := time.Since(w.start).Round(time.Second)
	if w.lastErr != nil {
		v.Reason = verdict.API
		v.Message = fmt.Sprintf("the API could not be read when the time was up, after %s: %v", limit, w.lastErr)
		return v
	}
	what := "the new revision did not become ready"
	switch {
	case m.Infrastructure:
		v.Reason = verdict.Infrastructure
		what += ", and the platform tells of an infrastructure issue of its own"
	case !m.Started:
		v.Reason = verdict.NotScheduled
		what = "no replica of the new revision was ever started"
	default:
		v.Reason = verdict.NotReady
	}
	v.Message = fmt.Sprintf("%s within %s: it has been %s for %s (a longer wait-timeout waits longer)",
		what, limit, inStage(last.Stage), stuck.Round(time.Second))
	return v
}

// inStage completes "it is …".
func inStage(stage string) string {
	switch stage {
	case "":
		return "unseen"
	case Unseen, Unreconciled, NoRevision:
		return stage
	}
	return "in phase " + stage
}

// Build waits for a build to end, at most until the deadline. It returns the
// build when it succeeded; its error is a *verdict.Verdict, or ctx's.
func Build(ctx context.Context, builds Builds, id string, deadline time.Time, report func(Event)) (*pipecat.Build, error) {
	var build *pipecat.Build
	status, since := "", time.Now()
	w := newWatch(deadline, report)
	w.alive = func() Alive { return Alive{Stage: status, For: time.Since(since)} }
	err := w.until(ctx, func(ctx context.Context) (seen, error) {
		b, err := builds.Build(ctx, id)
		if err != nil {
			return seen{}, err
		}
		build = b
		var now seen
		if b.Status != status {
			status, since = b.Status, time.Now()
			now = seen{changed: true, events: []Event{BuildSeen{b, time.Since(w.start)}}}
		}
		switch b.Status {
		case pipecat.BuildSuccess, pipecat.BuildFailed, pipecat.BuildTimeout:
			now.done = true
		}
		return now, nil
	})
	switch {
	case errors.Is(err, errDeadline) && w.lastErr != nil:
		return nil, &verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.API,
			Message: fmt.Sprintf("the API could not be read when build-timeout was up: %v", w.lastErr)}
	case errors.Is(err, errDeadline):
		return nil, &verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.Build,
			Message: fmt.Sprintf("build %s did not end within %s: it is %s (a longer build-timeout waits longer)", id, time.Since(w.start).Round(time.Second), status)}
	case err != nil:
		return nil, err
	case build.Status != pipecat.BuildSuccess:
		return nil, &verdict.Verdict{Status: verdict.Failed, Reason: verdict.Build, Detail: build.ErrorMessage,
			Message: fmt.Sprintf("build %s ended as %s and is not deployed", id, build.Status) + because("", build.ErrorMessage)}
	}
	return build, nil
}

var errDeadline = errors.New("the time is up")

// watch looks at something again and again.
type watch struct {
	start    time.Time
	deadline time.Time
	report   func(Event)
	alive    func() Alive

	lastSign time.Time
	lastErr  error     // of the last look; nil when it was one
	away     time.Time // since when looks fail; zero when they do not
	gone     int       // 404s in a row
}

func newWatch(deadline time.Time, report func(Event)) *watch {
	now := time.Now()
	return &watch{
		start:    now,
		deadline: deadline,
		lastSign: now,
		report:   report,
	}
}

// seen is what a look came to.
type seen struct {
	events  []Event
	changed bool // there is something new
	near    bool // from here on it may be done any moment
	done    bool
}

// until looks until a look says that it is done. Its error is errDeadline,
// ctx's, or a *verdict.Verdict for an API that cannot be waited for.
func (w *watch) until(ctx context.Context, look func(context.Context) (seen, error)) error {
	timed, cancel := context.WithDeadline(ctx, w.deadline)
	defer cancel()
	calm, eager := calmPace(), eagerPace()
	near := false
	for {
		now, err := look(timed)
		var asked time.Duration
		switch {
		case err == nil:
			w.answered()
			for _, e := range now.events {
				w.report(e)
			}
			if now.done {
				return nil
			}
			near = now.near
		case ctx.Err() != nil:
			return ctx.Err()
		case timed.Err() != nil:
			return errDeadline
		default:
			if asked, err = w.fault(err); err != nil {
				return err
			}
		}
		if now.changed {
			calm.Reset()
			eager.Reset()
			w.lastSign = time.Now()
		}
		if time.Since(w.lastSign) > signOfLife-slowest { // the next look would be too late
			w.lastSign = time.Now()
			sign := w.alive()
			sign.Elapsed = time.Since(w.start)
			w.report(sign)
		}
		wait := calm.NextBackOff()
		if near {
			wait = eager.NextBackOff()
		}
		timer := time.NewTimer(max(wait, min(asked, maxAsked)))
		select {
		case <-timer.C:
		case <-timed.Done():
			timer.Stop()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errDeadline
		}
	}
}

// fault takes note of a look that failed. It returns how long the API asks to
// be left alone, or a *verdict.Verdict when there is nothing to wait for.
func (w *watch) fault(err error) (asked time.Duration, final error) {
	w.lastErr = err
	var e *pipecat.Error
	if errors.As(err, &e) {
		switch asked = e.RetryAfter; e.Status {
		case http.StatusUnauthorized, http.StatusForbidden:
			return 0, &verdict.Verdict{Status: verdict.Failed, Reason: verdict.Auth,
				Message: fmt.Sprintf("the API takes the key no longer, so what became of the rollout is not known: %v", err)}
		case http.StatusNotFound:
			if w.gone++; w.gone == goneAfter {
				return 0, &verdict.Verdict{Status: verdict.Failed, Reason: verdict.API,
					Message: fmt.Sprintf("what is waited for is gone; someone may have deleted it: %v", err)}
			}
		default:
			w.gone = 0
		}
	}
	if w.away.IsZero() {
		w.away, w.lastSign = time.Now(), time.Now()
		w.report(Away{err})
	}
	return asked, nil
}

// answered takes note of a look that succeeded.
func (w *watch) answered() {
	if !w.away.IsZero() {
		w.lastSign = time.Now()
		w.report(Back{time.Since(w.away)})
	}
	w.lastErr, w.away, w.gone = nil, time.Time{}, 0
}
