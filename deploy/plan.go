package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// clocksApart is how far the clocks of the platform's parts may be.
const clocksApart = time.Minute

// Artifact is what is deployed. The zero Artifact is whatever the agent has.
type Artifact struct {
	Image string
	Build *pipecat.Build // without an id: one that is yet to be made, in a dry run
	// Started says that this job has the build made, and Deadline until when;
	// zero where there is nothing to wait for.
	Started  bool
	Deadline time.Time
}

// Building reports whether the build has to be waited for.
func (a Artifact) Building() bool { return !a.Deadline.IsZero() }

// Plan is one change to an agent.
type Plan struct {
	Request     Request
	Baseline    Baseline
	Artifact    Artifact
	Settings    pipecat.Settings  // that are sent
	Changes     []settings.Change // what it does to each setting
	Expected    pipecat.Settings  // that documents have to show of the deployment
	MinReplicas int               // that ready takes; 0: the platform decides
	Stored      bool              // its secrets are in their set
	Reverts     *Accepted         // the failed deployment that it undoes; nil: it is no rollback
	failure     string            // of that one
}

// Prepare finds out what is to change, and begins a build that it takes, which may still
// run: see Artifact.Building. What cannot work is reported before that is waited for.
// The agent is not changed. Its error is a *verdict.Failure, or ctx's.
func Prepare(ctx context.Context, api API, r Request, emit event.Emitter) (Plan, error) {
	before, err := Read(ctx, api, r)
	if err != nil {
		return Plan{}, err
	}
	artifact, err := Resolve(ctx, api, r, before, emit)
	if err != nil {
		return Plan{}, err
	}
	return NewPlan(r, before, artifact)
}

// NewPlan says what is to change, or what makes that impossible. Only what was
// asked for is in it. Its error is a *verdict.Failure.
func NewPlan(r Request, b Baseline, a Artifact) (Plan, error) {
	if build := a.Build; build != nil && build.Region != "" && b.Region != "" && build.Region != b.Region {
		return Plan{}, failed(verdict.Inputs, nil, "build %s is in region %s, and the agent in %s; deploy a build of the agent's own region (a new agent's is set by region)", build.ID, build.Region, b.Region)
	}
	p := Plan{Request: r, Baseline: b, Artifact: a, Settings: r.Settings}
	p.Settings.Image = a.Image
	if a.Build != nil {
		p.Settings.BuildID = a.Build.ID
	}
	if r.Warm {
		if least, _ := r.bounds(b); least != nil {
			p.MinReplicas = *least
		}
	}
	p.Expected, p.Changes = p.Settings, settings.Diff(b.Agent, p.Settings)
	if a.Build != nil && a.Build.ID == "" {
		p.Changes = settings.WithNewBuild(p.Changes)
	}
	return p, nil
}

// region is where a new agent is created: where it is asked for, or else where its
// build is, because it can be deployed nowhere else. "" leaves it to the platform.
func (p Plan) region() string {
	if build := p.Artifact.Build; p.Request.Region == "" && build != nil {
		return build.Region
	}
	return p.Request.Region
}

// Renew makes the plan again from the agent as it is now, after something that may have
// taken long. Once secrets are stored, it is shown if it is another one now. Its
// error is a *verdict.Failure, or ctx's where nothing is stored.
func (p Plan) Renew(ctx context.Context, api API, emit event.Emitter) (Plan, error) {
	if !p.Stored {
		now, err := Read(ctx, api, p.Request)
		if err != nil {
			return Plan{}, err
		}
		return NewPlan(p.Request, now, p.Artifact)
	}
	agent, err := api.Agent(ctx, p.Request.Agent)
	switch {
	case missing(err): // it is still to be created; or it is gone, and the update is refused
		if p.Baseline.Agent == nil {
			p.Baseline.At = asError(err).Date
		}
		return p, nil
	case err != nil:
		return Plan{}, p.keepsSecrets(unreadableSince(ctx, err))
	}
	again, err := p.onto(agent)
	if err != nil {
		return Plan{}, p.keepsSecrets(err)
	}
	now, before := again.Event(), p.Event()
	if now.Previous != before.Previous || now.Irreversible != before.Irreversible || !slices.Equal(now.Changes, before.Changes) {
		emit.Emit(now)
	}
	return again, nil
}

// onto is the plan for the agent as it is now. What the job has found or made for it stays.
func (p Plan) onto(agent *pipecat.Agent) (Plan, error) {
	b, r := Baseline{Agent: agent, Region: agent.Region, SecretSet: p.Baseline.SecretSet}, p.Request
	r.Warm = r.Warm && p.MinReplicas == 0 // else it is known, whatever a document leaves out
	if err := r.validate(b); err != nil {
		return Plan{}, err
	}
	again, err := NewPlan(p.Request, b, p.Artifact)
	if err != nil {
		return Plan{}, err
	}
	again.Stored, again.MinReplicas = p.Stored, cmp.Or(again.MinReplicas, p.MinReplicas)
	return again, nil
}

// previous is the id of the deployment before the change, or "".
func (p Plan) previous() string {
	if p.Baseline.Agent == nil {
		return ""
	}
	return p.Baseline.Agent.Desired()
}

// target is the deployment that the change makes, as far as it is known before
// the platform has accepted it.
func (p Plan) target() revision.Target {
	t := revision.Target{Previous: p.previous(), Asked: p.Expected}
	if p.Baseline.Agent != nil {
		t.KnownErrors = p.Baseline.Agent.Errors
	}
	switch b := p.Baseline; {
	case b.Agent != nil:
		if at := b.Agent.DesiredCreatedAt(); !at.IsZero() {
			t.CreatedAt = at.Add(-clocksApart)
		}
	case !b.At.IsZero():
		t.CreatedAt = b.At.Add(-clocksApart)
	}
	if p.Reverts != nil {
		t.Original = p.Reverts.Previous
	}
	return t
}

// force reports whether a new deployment is asked for though nothing changes. A
// creation needs no such request.
func (p Plan) force() bool { return p.Request.Force && p.Baseline.Agent != nil }

// NeedsDeployment reports whether the change makes a new deployment, as far as the
// agent's document shows. A tag that has moved is no change, and scaling takes
// effect without a deployment.
func (p Plan) NeedsDeployment() bool {
	return p.Baseline.Agent == nil || p.force() || slices.ContainsFunc(p.Changes, settings.Change.Deploys)
}

// ScalingOnly reports whether the change is one of scaling alone.
func (p Plan) ScalingOnly() bool {
	return !p.NeedsDeployment() && slices.ContainsFunc(p.Changes, func(c settings.Change) bool { return c.Moves })
}

// Event is the plan as people are shown it.
func (p Plan) Event() event.Planned {
	agent := p.Baseline.Agent
	e := event.Planned{
		Create: agent == nil, PreviousHidden: settings.ImageHidden(agent), Near: p.Baseline.Near, Region: p.region(), Previous: p.previous(), PreviousImage: settings.ImageShown(agent),
		Image: p.Artifact.Image, Changes: p.Changes, Force: p.force(), Rollback: p.Request.Rollback,
		NeedsDeployment: p.NeedsDeployment(), ScalingOnly: p.ScalingOnly(), NotReported: p.notReported(),
		Secrets: p.secretChange(),
	}
	if agent != nil {
		e.Region = agent.Region
	}
	if b := p.Artifact.Build; b != nil {
		e.FromBuild, e.BuildID, e.BuildStatus = true, b.ID, b.Status
	}
	if p.Reverts != nil {
		e.RevertsID, e.RevertedFailure = p.Reverts.ID, p.failure
		return e
	}
	back, err := p.reversal()
	if err != nil {
		e.Irreversible = err.Error()
	}
	if e.RevertNeedsBuild = slices.Contains(back.Lasting, settings.ErrBuildHidden); err != nil && !e.RevertNeedsBuild {
		return e
	}
	e.Reversal = back.Changes
	for _, why := range back.Lasting {
		if why != settings.ErrBuildHidden {
			e.Lasting = append(e.Lasting, why.Error())
		}
	}
	return e
}

// notReported lists the settings that are asked for and of which the API does not
// report what they were: a rollback leaves them as they are asked for now.
func (p Plan) notReported() (names []string) {
	for _, c := range p.Changes {
		if c.NotReported() {
			names = append(names, c.Name)
		}
	}
	return names
}

// reversal puts back what the plan changes. With an error, which says why the
// previous deployment cannot be restored, it is what could be restored anyway.
func (p Plan) reversal() (settings.Reversal, error) {
	if err := p.canRevertTo(); err != nil {
		return settings.Reversal{}, err
	}
	back := settings.Revert(p.Changes, p.Baseline.Agent)
	err := back.Err()
	if err == nil && !slices.ContainsFunc(back.Changes, settings.Change.Deploys) {
		err = errors.New("no setting changes that makes a deployment, and what was behind the image's tag before is not known")
	}
	return back, err
}

// canRevertTo says why there is nothing to go back to.
func (p Plan) canRevertTo() error {
	b := p.Baseline.Agent
	switch {
	case b == nil:
		return errors.New("the agent was new, so there is nothing to go back to")
	case !revision.Observe(b, revision.Target{ID: b.Desired(), Previous: b.Desired()}).Serves:
		return fmt.Errorf("the deployment before it, %s, is not known to have been ready", b.Desired())
	case b.Deployment != nil && b.DesiredDeployment() == nil:
		return fmt.Errorf("the platform does not say what the previous deployment, %s, was", b.Desired())
	}
	return nil
}
