// Package revision reads an agent's document for what it says of one deployment.
// It is the only reading: what judges a rollout, what looks for a lost response
// and what is shown to people are all drawn from it.
//
// What the fields mean is from
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-update
package revision

import (
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/settings"
)

// WriteTime is how long the platform may take to write all parts of a document. Until
// then one may show the id of a deployment beside the settings of another.
const WriteTime = 7 * time.Second

// Target is the deployment that a document is read for.
type Target struct {
	ID       string // "" while no response has named it
	Previous string // the deployment that it replaced; "" for a new agent
	// Original is the deployment before Previous, which a rollback restores; ""
	// when this is no rollback.
	Original string
	// Asked is what it has to have. A document that shows another value of one of
	// these is not of the target, whatever id it names.
	Asked pipecat.Settings
	// KnownErrors are those that the agent's document had before the update, and
	// that are not the target's.
	KnownErrors []pipecat.AgentError
	// Restarts are those that its replicas had before the update; nil where that is not
	// known, and for a deployment that is new.
	Restarts *int
	// CreatedAt is when the deployment was created, or the earliest time at which
	// it can have been, by the platform's clock; zero when that is not known.
	CreatedAt time.Time
}

// Unchanged reports whether the update made no new deployment.
func (t Target) Unchanged() bool { return t.ID == t.Previous }

// IsStale reports whether a document is from before the target: as the desired
// deployment it shows one that the target replaced, or one that is older. A read
// may lag by more than one deployment, and may miss an agent that exists.
func (t Target) IsStale(doc *pipecat.Agent) bool {
	switch doc.Desired() {
	case t.ID, "":
		return false
	case t.Previous, t.Original:
		return true
	}
	created := doc.DesiredCreatedAt()
	return !created.IsZero() && created.Before(t.CreatedAt)
}

// IsSuperseded reports whether a document shows that another deployment is wanted in
// the target's place: another one, and no older one.
func (t Target) IsSuperseded(doc *pipecat.Agent) bool {
	return doc.Desired() != t.ID && doc.Desired() != "" && !t.IsStale(doc)
}

// Stage is how far a rollout is: one of the variables, or the phase of the target's
// revision. The zero one is that nothing was read. A phase is the platform's word, and
// is none of the others whatever it says.
type Stage struct{ name, phase string }

var (
	StaleRead        = Stage{name: "waiting for the API to show the new deployment"}
	AwaitingOperator = Stage{name: "waiting for Pipecat Cloud to pick up the change"}
	AwaitingRevision = Stage{name: "waiting for the new revision"}
	ReadyUnseen      = Stage{name: "ready"} // the document says so, and shows no revision of the target
	Superseded       = Stage{name: "superseded"}
)

// InPhase is the stage of a revision in a phase.
func InPhase(phase string) Stage { return Stage{phase: phase} }

// String is a stage as people read it.
func (s Stage) String() string { return s.name + s.phase }

// In completes "it is …" with a stage.
func (s Stage) In() string {
	switch {
	case s == Stage{}:
		return "not looked at yet"
	case s.phase != "":
		return "in phase " + s.phase
	}
	return s.name
}

// Serving says which revision takes calls.
type Serving string

const (
	ServingOurs     Serving = "ours"
	ServingPrevious Serving = "previous"
	ServingNothing  Serving = "nothing"
	ServingUnknown  Serving = ""
)

// State is what people are shown of a rollout. Two that are equal have nothing new.
type State struct {
	Stage     Stage
	Serving   Serving
	ServingID string // of the deployment that takes calls, where it is known
	Ready     int    // ready replicas of the target
	Started   int    // started replicas of the target
	Restarts  int    // of all its replicas, since they were born
	Reason    string // why its replicas are as they are, such as CrashLoopBackOff
}

// Restarts are those that a document shows of a deployment's replicas; nil where it does
// not show them.
func Restarts(doc *pipecat.Agent, id string) *int {
	if rev := doc.CurrentRevision; rev != nil && rev.Health != nil && isOf(rev, id) {
		return rev.Health.RestartCount
	}
	return nil
}

// Observation is what a document says of the target.
type Observation struct {
	State
	Target     Target
	DesiredID  string              // of the deployment that is wanted now
	Newer      string              // image of that deployment where it superseded the target; "" where it is not shown
	Superseded bool                // another client's deployment is wanted in its place; the rest says nothing of it
	Stale      bool                // the document is from before the target
	Other      settings.Comparison // Different when the document shows other settings than the target's
	Reconciled bool                // the operator has processed the target
	Serves     bool                // the target takes calls
	Errors     []pipecat.AgentError
	NewErrors  []pipecat.AgentError // those of Errors that the target does not know
	Degraded   pipecat.Condition    // that is True; the zero one for none

	HasRevision    bool            // the current revision is the target's; what follows is of it
	Failed         bool            // the platform gave it up
	Health         *pipecat.Health // nil until a replica has started
	ReadyReplicas  int
	Infrastructure bool // the platform reports an infrastructure issue
}

// Observe reads a document.
func Observe(doc *pipecat.Agent, t Target) Observation {
	o := Observation{Target: t, DesiredID: doc.Desired()}
	if t.IsSuperseded(doc) {
		o.Superseded, o.Stage, o.Newer = true, Superseded, settings.ImageShown(doc)
		return o
	}
	if o.Stale = t.IsStale(doc); !o.Stale {
		o.Other = settings.Compare(t.Asked, doc)
	}
	if o.Other.Match == settings.Different {
		o.Stage = StaleRead
		return o
	}
	o.Reconciled = !o.Stale && doc.ReconciledDeploymentID == t.ID
	for _, e := range doc.Errors {
		if e.Code == "" && e.Message == "" {
			continue
		}
		o.Errors = append(o.Errors, e)
		if !o.Stale && !slices.Contains(t.KnownErrors, e) {
			o.NewErrors = append(o.NewErrors, e)
		}
	}
	for _, c := range doc.Conditions {
		if c.Type == "Degraded" && c.Status == "True" {
			o.Degraded = c
		}
	}
	rev := doc.CurrentRevision
	if o.HasRevision = rev != nil && isOf(rev, t.ID); o.HasRevision {
		o.Failed, o.Health = strings.EqualFold(rev.Phase, pipecat.Failed), rev.Health
		o.ReadyReplicas, o.Infrastructure = rev.ReadyReplicas, rev.HasInfrastructureIssue
	}
	failing := rev != nil && (o.HasRevision || rev.DeploymentID == "") && fails(rev) // without an id, it is perhaps the target's
	ready := doc.IsReady() && doc.Available != pipecat.False && doc.ReconciledDeploymentID == t.ID && !failing
	o.Serves = ready && o.Reconciled
	o.Stage = stageOf(doc, o)
	if o.HasRevision && o.Stage == InPhase(rev.Phase) {
		o.Ready = max(0, rev.ReadyReplicas)
		if h := rev.Health; h != nil {
			o.Started, o.Restarts, o.Reason = h.ReplicasStarted, h.Restarts(), h.Reason
		}
	}
	o.Serving, o.ServingID = servingOf(doc, t, ready)
	return o
}

// OthersReady reports whether a document shows ready replicas of another deployment than
// the target, or of one that it does not name.
func (t Target) OthersReady(doc *pipecat.Agent) bool {
	for _, rev := range []*pipecat.Revision{doc.CurrentRevision, doc.PreviousRevision} {
		if rev != nil && !isOf(rev, t.ID) && rev.ReadyReplicas > 0 {
			return true
		}
	}
	return false
}

// isOf reports whether a revision is of a deployment, whose id has no case.
func isOf(rev *pipecat.Revision, id string) bool { return strings.EqualFold(rev.DeploymentID, id) }

// fails reports whether a revision shows a phase or a reason of failure, with which
// nothing serves, whatever the document says of being ready.
func fails(rev *pipecat.Revision) bool {
	h := rev.Health
	return strings.EqualFold(rev.Phase, pipecat.Failed) || h != nil && (IsCrashLoop(h) || IsStuck(h))
}

// IsCrashLoop reports whether a replica crashes again and again.
func IsCrashLoop(h *pipecat.Health) bool { return strings.EqualFold(h.Reason, "CrashLoopBackOff") }

// IsStuck reports whether Kubernetes cannot start a container.
func IsStuck(h *pipecat.Health) bool {
	for _, reason := range []string{"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"} {
		if strings.EqualFold(h.Reason, reason) {
			return true
		}
	}
	return false
}

func stageOf(doc *pipecat.Agent, o Observation) Stage {
	rev := doc.CurrentRevision
	switch {
	case o.Stale:
		return StaleRead
	case doc.ReconciledDeploymentID != o.Target.ID:
		return AwaitingOperator
	case o.Serves && !o.HasRevision:
		return ReadyUnseen
	case !o.HasRevision, rev.Phase == "":
		return AwaitingRevision
	}
	return InPhase(rev.Phase)
}

// servingOf says who takes calls; ours when the document says that the target is ready.
// One before it does only where there was one.
func servingOf(doc *pipecat.Agent, t Target, ready bool) (Serving, string) {
	switch {
	case ready:
		return ServingOurs, t.ID
	case doc.Available == pipecat.False:
		return ServingNothing, ""
	case doc.Available != pipecat.True:
		return ServingUnknown, ""
	case doc.IsReady() && doc.ReconciledDeploymentID == t.ID, t.Previous == "": // and it fails
		return ServingUnknown, ""
	case doc.IsReady(): // from before, as long as the operator has not looked
		return ServingPrevious, doc.ReconciledDeploymentID
	case doc.PreviousRevision != nil:
		return ServingPrevious, doc.PreviousRevision.DeploymentID
	}
	return ServingPrevious, ""
}

// Name is what people call the target's revision: one that an update left as it
// was is not new.
func (t Target) Name() string {
	switch {
	case t.Original != "":
		return "the restored revision"
	case t.Unchanged():
		return "the current revision"
	}
	return "the new revision"
}

// Deployment names the target as a deployment, in messages.
func (t Target) Deployment() string {
	if t.Unchanged() {
		return "the deployment"
	}
	return "the new deployment"
}

// Text is an error as people read it: its code and its message.
func Text(e pipecat.AgentError) string {
	if e.Code == "" {
		return e.Message
	}
	return strings.TrimSuffix(e.Code+": "+e.Message, ": ")
}
