package deploy

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// lookupDelays is how long it takes until a read surely shows a write: the delays
// between reads. It is longer where what was accepted would else be made twice, or
// be said to have failed.
func (a *applier) lookupDelays(final bool) []time.Duration {
	delays := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
	if final || a.force() || a.Baseline.Agent == nil || a.Reverts != nil {
		delays = append(delays, 15*time.Second)
	}
	return delays
}

// confirm returns the agent that has the change, given the update's response. Where
// that still shows the deployment before, although something else was asked for,
// the response may be stale, and so the agent is read until it is not.
func (a *applier) confirm(ctx context.Context, agent *pipecat.Agent) (*pipecat.Agent, error) {
	shown := settings.Compare(a.Settings, agent)
	stale := shown.Match == settings.Different
	if agent.Desired() != a.previous() || !stale && !a.force() && a.Reverts == nil {
		return agent, nil
	}
	a.last = &pipecat.Error{Method: http.MethodPost, Status: http.StatusOK, Err: errors.New("it shows the deployment before")}
	a.lose(a.last)
	if newer, err := a.reconcile(ctx, a.lookupDelays(true)...); newer != nil || err != nil {
		return newer, err
	}
	if stale {
		if image := settings.ImageShown(agent); shown.Name == settings.Image || shown.Name == settings.BuildID {
			return nil, failed(verdict.API, nil, "the platform says that it took %s, but shows no deployment of %s: deployment %s, of %s, is still the one that is desired",
				a.what(), cmp.Or(a.Settings.Image, "build "+a.Settings.BuildID), agent.Desired(), image)
		}
		return nil, failed(verdict.API, nil, "the platform says that it took %s, but shows deployment %s as the one that is desired still, whose %s", a.what(), agent.Desired(), shown)
	}
	return agent, nil
}

// reconcile looks, after each of the delays, whether a request whose response was
// lost has been accepted. It returns nil when none was.
func (a *applier) reconcile(ctx context.Context, delays ...time.Duration) (*pipecat.Agent, error) {
	if a.lost == 0 {
		return nil, nil
	}
	var theirs error // another deployment is there, in whose place ours may show yet
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
		case err != nil && status(err) != http.StatusNotFound:
			return nil, failed(verdict.API, a.last, "%s got no clear answer (%v) and the agent cannot be read, so it is not known whether it was taken: %v", a.what(), a.last, err)
		}
		delays = delays[1:]
		if err != nil || !a.isNew(agent) {
			continue
		}
		if theirs = a.another(agent); theirs == nil {
			return agent, nil
		}
	}
	a.open = false
	return nil, theirs
}

// isNew reports whether an agent shows a deployment that the change may have made.
func (a *applier) isNew(agent *pipecat.Agent) bool {
	return agent.Desired() != "" && !a.replaces.IsStale(agent)
}

// another says why a new deployment is not the one that the change made; nil when it
// is.
func (a *applier) another(agent *pipecat.Agent) error {
	asked := settings.Compare(a.Settings, agent)
	switch {
	case a.Baseline.Agent == nil && (a.replaces.CreatedAt.IsZero() || agent.DesiredCreatedAt().IsZero()):
		return failed(verdict.API, nil, "the request to create the agent got no clear answer, and the API does not tell whether deployment %s was there before it, so it is not known whether it is ours; look at the agent before you run it again: %v", agent.Desired(), a.last)
	case asked.Match == settings.Unknown:
		return failed(verdict.API, nil, "%s got no clear answer, and the API does not tell what deployment %s is, so it is not known whether it is ours; look at the agent before you run it again: %v", a.what(), agent.Desired(), a.last)
	case asked.Match == settings.Different:
		return superseded("%s got no clear answer, and meanwhile deployment %s took over, which is not ours: its %s", a.what(), agent.Desired(), asked)
	}
	return nil
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
			return nil, failed(verdict.API, err, "the agent cannot be read, and may be another's by now: %v", err)
		case agent.Desired() == a.Reverts.ID:
			return nil, nil
		case !a.isNew(agent): // the read is stale
			shown = agent.Desired()
			continue
		}
		if found, err := a.reconcile(ctx, 0); found != nil || err != nil {
			return found, err
		}
		return nil, superseded("deployment %s took over, which is not touched", agent.Desired())
	}
	return nil, failed(verdict.API, nil, "the agent is shown with deployment %s, and so may be another's by now", shown)
}
