package deploy

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// existing is the error of a creation that meets an agent.
type existing struct{ agent *pipecat.Agent }

func (e *existing) Error() string { return fmt.Sprintf("agent %q exists", e.agent.Name) }

// confirm returns the agent that has the change, given the update's response. That
// may be from before the update, or show what another client made after it: what the
// agent has is what its document says.
func (a *applier) confirm(ctx context.Context, agent *pipecat.Agent) (*pipecat.Agent, error) {
	shown := settings.Compare(a.Expected, agent)
	differs, undated := shown.Match == settings.Different, a.undated(agent)
	same := agent.Desired() == a.previous() && a.earlier == "" // reads have shown another since: the response is stale
	stale := a.isStale(agent) || a.earlier != "" && agent.Desired() == a.previous()
	moved := a.force() || settings.Compare(a.Expected, a.Baseline.Agent).Match == settings.Different
	maybe := same && !differs && !moved && a.Reverts == nil // there was perhaps nothing to change
	delays := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second}
	switch {
	case !stale && !differs, maybe && a.saysUnchanged(agent, shown):
		return agent, nil
	case maybe: // it does not show what would change
		a.disbelieve(agent, "which is the previous one")
		found, err := a.reconcile(ctx, nil, append(delays, 8*time.Second)...)
		if found == nil && err == nil {
			return agent, nil
		}
		return found, err
	case stale:
		a.disbelieve(agent, "which is the previous one")
		delays = append(delays, 8*time.Second, 15*time.Second)
	default:
		a.disbelieve(agent, fmt.Sprintf("whose %s", shown))
		a.named = agent.Desired()
		if made := agent.DesiredCreatedAt(); !made.IsZero() {
			a.replaces.CreatedAt = made
		}
	}
	a.lose(a.last)
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
	case same && !differs && a.Reverts != nil:
		return agent, nil
	case !stale:
		return nil, verdict.NewSuperseded("the response to %s names deployment %s, which is not ours: its %s", a.what(), agent.Desired(), shown)
	}
	return nil, a.notMade(agent, shown)
}

// disbelieve takes note of why a response that accepts the update is not believed: which
// deployment it names.
func (a *applier) disbelieve(agent *pipecat.Agent, which string) {
	why := fmt.Errorf("the response names deployment %s, %s", agent.Desired(), which)
	if agent.Warning != "" {
		why = fmt.Errorf("%w; its warning is %q", why, agent.Warning)
	}
	a.answered = true
	a.last = &pipecat.Error{Status: http.StatusOK, Err: why}
}

// saysUnchanged reports whether a response that names the deployment before says that
// the update made none: the platform warns of it, or shows all that was asked for.
func (a *applier) saysUnchanged(agent *pipecat.Agent, shown settings.Comparison) bool {
	return !a.NeedsDeployment() || agent.Warning != "" || shown.Match == settings.Same
}

// notMade is the failure of an update that was accepted, but of which the agent shows
// nothing.
func (a *applier) notMade(agent *pipecat.Agent, shown settings.Comparison) error {
	accepted, id := "the platform says that it accepted "+a.what(), agent.Desired()
	switch {
	case shown.Match != settings.Different && len(a.Request.Secrets) > 0:
		return failed(verdict.API, nil, "%s, but made no new deployment, which alone gets the new secrets: deployment %s is still the one that is desired", accepted, id)
	case shown.Match != settings.Different && a.force():
		return failed(verdict.API, nil, "%s, but made no new deployment, although force-redeploy is set: deployment %s is still the one that is desired", accepted, id)
	case shown.Match != settings.Different:
		return failed(verdict.API, nil, "%s, but shows no new deployment: deployment %s is the one that is desired", accepted, id)
	case shown.Artifact:
		return failed(verdict.API, nil, "%s, but shows no deployment of %s: deployment %s, of %s, is still the one that is desired",
			accepted, cmp.Or(a.Settings.Image, "build "+a.Settings.BuildID), id, settings.ImageShown(agent))
	}
	return failed(verdict.API, nil, "%s, but shows deployment %s as the one that is desired still, whose %s", accepted, id, shown)
}
