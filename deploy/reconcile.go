package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// existing is the error of a creation that meets an agent.
type existing struct{ agent *pipecat.Agent }

func (e *existing) Error() string { return fmt.Sprintf("agent %q exists", e.agent.Name) }

// lookupDelays is how long it takes until a read surely shows a write: the delays
// between reads. It is longer where what was accepted would else be made twice, or
// be said to have failed. What the API itself refuses, or explains, was not accepted,
// so that one read is enough.
func (a *applier) lookupDelays(final bool) []time.Duration {
	busy := a.last != nil && (a.last.Status == http.StatusConflict || a.last.Status == http.StatusTooManyRequests)
	twice := a.force() || a.Baseline.Agent == nil || a.Reverts != nil
	switch {
	case a.lost == 0 && a.explained, a.lost == 0 && busy && !twice && !final:
		return []time.Duration{0}
	case a.lost == 0 && final && a.refusedClearly() && !a.busyBefore:
		return []time.Duration{0}
	}
	delays := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
	if a.lost > 0 && final || twice && !final {
		delays = append(delays, 15*time.Second)
	}
	return delays
}

// refusedClearly reports whether the last response is a clear refusal.
func (a *applier) refusedClearly() bool { return clearlyRefused(a.last) }

// clearlyRefused reports whether a response is one by which the API itself says that
// the request is not one to accept.
func clearlyRefused(e *pipecat.Error) bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
		return e.FromAPI
	}
	return false
}

// confirm returns the agent that has the change, given the update's response. That
// may be from before the update, or show what another client made after it: what the
// agent has is what its document says.
func (a *applier) confirm(ctx context.Context, agent *pipecat.Agent) (*pipecat.Agent, error) {
	shown := settings.Compare(a.Expected, agent)
	differs, undated := shown.Match == settings.Different, a.undated(agent)
	same := agent.Desired() == a.previous() && a.earlier == "" // reads have shown another since: the response is stale
	stale := a.isStale(agent) || a.earlier != "" && agent.Desired() == a.previous()
	switch {
	case !stale && !differs, same && !differs && !a.force() && a.Reverts == nil && a.saysUnchanged(agent, shown):
		return agent, nil
	case same && !differs && !a.force() && a.Reverts == nil: // it does not show what would change
		a.answered = true
		a.last = &pipecat.Error{Method: http.MethodPost, Status: http.StatusOK, Err: errors.New("it shows the deployment before")}
		if found, err := a.reconcile(ctx, nil, 0, time.Second, 2*time.Second, 4*time.Second, 8*time.Second); found != nil || err != nil {
			return found, err
		}
		return agent, nil
	case stale:
		a.last = &pipecat.Error{Method: http.MethodPost, Status: http.StatusOK, Err: errors.New("it shows the deployment before")}
	default:
		a.last = &pipecat.Error{Method: http.MethodPost, Status: http.StatusOK, Err: fmt.Errorf("it shows deployment %s, whose %s", agent.Desired(), shown)}
	}
	a.answered = true
	if a.lose(a.last); !stale {
		a.named = agent.Desired()
		if made := agent.DesiredCreatedAt(); !made.IsZero() {
			a.replaces.CreatedAt = made
		}
	}
	delays := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second}
	if stale {
		delays = append(delays, 8*time.Second, 15*time.Second)
	}
	found, err := a.reconcile(ctx, nil, delays...)
	if found == nil && err == nil && !stale { // reads do not show it yet
		found, err = a.reconcile(ctx, nil, 8*time.Second, 15*time.Second)
	}
	switch {
	case err != nil && ctx.Err() == nil && undated: // as far as is known, it was there before
		return nil, &existing{agent}
	case found != nil || err != nil:
		return found, err
	case a.Baseline.Agent == nil:
		return nil, &existing{agent}
	case same && !differs:
		return agent, nil
	case !stale:
		return nil, verdict.NewSuperseded("the response to %s names deployment %s, which is not ours: its %s", a.what(), agent.Desired(), shown)
	}
	if image := settings.ImageShown(agent); shown.Name == settings.Image || shown.Name == settings.BuildID {
		return nil, failed(verdict.API, nil, "the platform says that it accepted %s, but shows no deployment of %s: deployment %s, of %s, is still the one that is desired",
			a.what(), cmp.Or(a.Settings.Image, "build "+a.Settings.BuildID), agent.Desired(), image)
	}
	return nil, failed(verdict.API, nil, "the platform says that it accepted %s, but shows deployment %s as the one that is desired still, whose %s", a.what(), agent.Desired(), shown)
}

// saysUnchanged reports whether a response that names the deployment before says that
// the update made none: the platform warns of it, or shows all that was asked for.
func (a *applier) saysUnchanged(agent *pipecat.Agent, shown settings.Comparison) bool {
	return !a.NeedsDeployment() || agent.Warning != "" || shown.Match == settings.Same
}

// reconcile looks, after each of the delays, whether the last request has been
// accepted, or one before it whose response was lost. It returns nil when none was.
// Final is what becomes of the change then; nil when the request is sent again.
func (a *applier) reconcile(ctx context.Context, final error, delays ...time.Duration) (*pipecat.Agent, error) {
	var theirs error // another deployment is there, in whose place ours may show yet
	var other shownOther
	a.theirs = nil
	missed := false // the last read found no agent
	silent := pacing.Throttle{Every: reportEvery}
	silent.Start()
	for len(delays) > 0 {
		if silent.Due() {
			a.emit.Emit(event.Retrying{Try: event.TryLookup})
		}
		if err := pacing.Sleep(ctx, delays[0]); err != nil {
			return nil, err
		}
		agent, err := a.api.Agent(ctx, a.Request.Agent)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && asError(err).Temporary():
			// What lost the response may well lose this one.
			wait := pacing.After(a.pace, asError(err).RetryAfter)
			a.emit.Emit(event.Retrying{Try: event.TryLookup, Err: err, In: wait})
			if err := pacing.Sleep(ctx, wait); err != nil {
				return nil, err
			}
			continue
		case err != nil && final != nil && a.lost == 0 && a.last.Unauthorized() && asError(err).Unauthorized():
			return nil, final
		case err != nil && !missing(err):
			if a.lost == 0 { // nothing says that it was not accepted
				a.lose(a.last)
			}
			return nil, failed(verdict.API, a.last, "%s got no usable response (%v) and the agent cannot be read, so it is not known whether it was accepted: %v", a.what(), a.last, err)
		}
		delays, missed = delays[1:], err != nil
		shown := ""
		switch {
		case err != nil:
		case a.isNew(agent):
			shown = agent.Desired()
			other.show(shown)
			theirs = a.another(agent)
			if theirs == nil && a.named != "" && shown != a.named && time.Since(other.since) < otherGrace {
				theirs = verdict.NewSuperseded("the response to %s names deployment %s, but deployment %s has taken over", a.what(), a.named, shown)
			}
			if theirs == nil {
				return agent, nil
			}
			if other.lasts() {
				a.theirs = theirs
			}
			a.doubt(agent, final)
		case a.holds(agent, final):
			return agent, nil
		}
		if err == nil && a.Baseline.Agent == nil && a.lost == 0 && a.last.FromAPI && !a.explained { // the creation was refused because of this agent
			return nil, &existing{agent}
		}
		if theirs != nil && a.lost > 0 && len(delays) == 0 {
			delays = other.more(shown)
		}
	}
	if missed && final != nil && a.lost == 0 && a.Baseline.Agent != nil && !a.refusedClearly() {
		a.lose(a.last) // the last read shows no agent, and so nothing of it
	}
	a.open = false
	if missed && theirs != nil && !other.lasts() && a.lost > 0 {
		return nil, failed(verdict.API, a.last, "%s got no usable response (%v) and the agent cannot be read, so it is not known whether it was accepted", a.what(), a.last)
	}
	if a.lost == 0 && theirs != nil && a.Reverts == nil { // which a request that is sent again replaces
		a.earlier = other.id
	}
	if a.lost == 0 { // the platform has answered, and nothing says that it made a deployment
		return nil, nil
	}
	return nil, theirs
}

// shownOther is another deployment than was asked for, as reads show it.
type shownOther struct {
	id           string
	since, until time.Time
	stale        int // reads that did not show it, once it was shown
}

// otherGrace is how long reads must show it: a document's parts are not written at
// once.
const otherGrace = 7 * time.Second

func (o *shownOther) show(id string) {
	if o.id != id {
		o.id, o.since = id, time.Now()
	}
	o.until = time.Now()
}

// lasts reports whether reads have shown it for long enough.
func (o *shownOther) lasts() bool { return o.until.Sub(o.since) >= otherGrace }

// more is how long to wait for reads that decide whether the deployment is another client's,
// given what the last one shows.
func (o *shownOther) more(shown string) []time.Duration {
	switch left := otherGrace - time.Since(o.since); {
	case shown != o.id && o.stale < 4: // the read is stale, or shows nothing
		o.stale++
		return []time.Duration{4 * time.Second}
	case shown == o.id && left > 0:
		return []time.Duration{left}
	}
	return nil
}

// doubt takes note of a new deployment that says something of a request which
// something other than the API itself seems to refuse: it may be of the request, or may have
// replaced what the request made.
func (a *applier) doubt(agent *pipecat.Agent, final error) {
	unlike := settings.Compare(a.Expected, agent).Match == settings.Different
	if a.lost == 0 && !a.explained && !a.refusedClearly() && (final != nil || !unlike) {
		a.lose(a.last)
	}
}

// holds reports whether an agent without a new deployment has all that is asked for,
// of a change that takes none.
func (a *applier) holds(agent *pipecat.Agent, final error) bool {
	if a.NeedsDeployment() || agent.Desired() != a.previous() || final != nil && a.lost == 0 {
		return false
	}
	moves := func(c settings.Change) bool { return c.Moves }
	return !slices.ContainsFunc(settings.Diff(agent, a.Settings), moves)
}

// isNew reports whether an agent shows a deployment that the change may have made.
func (a *applier) isNew(agent *pipecat.Agent) bool {
	return agent.Desired() != "" && !a.isStale(agent)
}

// isStale reports whether an agent shows a deployment from before the last request.
func (a *applier) isStale(agent *pipecat.Agent) bool {
	return a.replaces.IsStale(agent) || a.earlier != "" && agent.Desired() == a.earlier
}

// another says why a new deployment is not the one that the change made; nil when it
// is.
func (a *applier) another(agent *pipecat.Agent) error {
	asked := settings.Compare(a.Expected, agent)
	switch {
	case agent.Desired() == a.named && asked.Match != settings.Different:
		return nil
	case asked.Match == settings.Different && a.undated(agent):
		return failed(verdict.API, nil, "the request to create the agent got no usable response, and the API does not say whether deployment %s was there before it, so it is not known whether it is ours; check the agent before you run the job again: %v", agent.Desired(), a.last)
	case asked.Match == settings.Unknown && !a.answered:
		return failed(verdict.API, nil, "%s got no usable response, and the API does not say what deployment %s is, so it is not known whether it is ours; check the agent before you run the job again: %v", a.what(), agent.Desired(), a.last)
	case asked.Match == settings.Different:
		return verdict.NewSuperseded("%s got no usable response, and deployment %s, which is not ours, took over: its %s", a.what(), agent.Desired(), asked)
	}
	return nil
}

// undated reports whether nothing says that a created agent was not there before.
func (a *applier) undated(agent *pipecat.Agent) bool {
	return a.Baseline.Agent == nil && (a.replaces.CreatedAt.IsZero() || agent.DesiredCreatedAt().IsZero())
}

// stillOurs makes sure, before a rollback is sent, that the deployment which it
// undoes is still the one that is desired. It returns the agent when that has the
// rollback already.
func (a *applier) stillOurs(ctx context.Context) (*pipecat.Agent, error) {
	if a.Reverts == nil {
		return nil, nil
	}
	var shown string
	for _, delay := range a.lookupDelays(false) {
		if err := pacing.Sleep(ctx, delay); err != nil {
			return nil, err
		}
		agent, err := a.api.Agent(ctx, a.Request.Agent)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, failed(verdict.API, err, "the agent cannot be read, so another client may have deployed since: %v", err)
		case agent.Desired() == a.Reverts.ID:
			if other := settings.Compare(a.Reverts.Asked, agent); other.Match == settings.Different {
				return nil, verdict.NewSuperseded("deployment %s is not ours, and is not touched: its %s", a.Reverts.ID, other)
			}
			a.replaces.KnownErrors = agent.Errors
			return nil, nil
		case !a.isNew(agent): // the read is stale
			shown = agent.Desired()
			continue
		}
		if a.last != nil { // it may be the rollback
			if found, err := a.reconcile(ctx, nil, 0); found != nil || err != nil {
				return found, err
			}
		}
		return nil, verdict.NewSuperseded("deployment %s took over, which is not touched", agent.Desired())
	}
	return nil, failed(verdict.API, nil, "the agent shows deployment %s, so another client may have deployed since", shown)
}
