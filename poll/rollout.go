package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

// Agents reads agents.
type Agents interface {
	Agent(ctx context.Context, name string) (*pipecat.Agent, error)
}

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
	w.known = r.Rules.Previous != ""
	w.alive = func() Alive { return Alive{Stage: inStage(last.Stage), For: time.Since(since)} }
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
	r.Report(Ended{time.Now()})
	switch {
	case err == nil:
		return v
	case errors.Is(err, errDeadline):
		return r.timedOut(w, memory, last, time.Since(since))
	case ctx.Err() != nil:
		return verdict.Verdict{
			Status:  verdict.Cancelled,
			Reason:  verdict.Stopped,
			Message: fmt.Sprintf("the job was stopped after the update was taken, with the deployment %s; its rollout goes on without it", inStage(last.Stage)),
		}
	}
	return verdict.Of(err)
}

// timedOut is the verdict when there was none before the deadline.
func (r Rollout) timedOut(w *watch, m Memory, last Look, stuck time.Duration) verdict.Verdict {
	v := verdict.Verdict{Status: verdict.TimedOut}
	limit := time.Since(w.start).Round(time.Second)
	// One look that failed at the end does not make the others untrue.
	if !w.looked || w.lastErr != nil && time.Since(w.away) >= signOfLife {
		v.Reason = verdict.API
		v.Message = fmt.Sprintf("the API could not be read when wait-timeout was up, after %s: %v", limit, cmp.Or(w.lastErr, errNoAnswer))
		return v
	}
	what, more := r.Rules.revision()+" did not become ready", ""
	switch {
	case m.Infrastructure:
		v.Reason = verdict.Infrastructure
		more = ", and the platform tells of an infrastructure issue of its own"
	case last.Serving == ServesOurs && last.Ready < r.Rules.Warm:
		v.Reason = verdict.NotReady
		what = fmt.Sprintf("%s serves, but with only %d of %s ready", r.Rules.revision(), last.Ready, count(r.Rules.Warm, "replica"))
	case !m.readySince.IsZero():
		v.Reason = verdict.NotReady
		what = r.Rules.revision() + " is ready, but was not for min-ready-seconds"
	case !m.Started:
		v.Reason = verdict.NotScheduled
		what = "no replica of " + r.Rules.revision() + " was ever started"
	default:
		v.Reason = verdict.NotReady
	}
	v.Message = fmt.Sprintf("%s within wait-timeout (%s): it has been %s for %s%s",
		what, limit, inStage(last.Stage), stuck.Round(time.Second), more)
	return v
}

// inStage completes "it is …".
func inStage(stage string) string {
	switch stage {
	case "":
		return "not looked at yet"
	case Unseen, Unreconciled, NoRevision:
		return stage
	}
	return "in phase " + stage
}
