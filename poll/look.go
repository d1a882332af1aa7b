package poll

import "pipecat-cloud-deploy/internal/pipecat"

// Stages of a rollout before our revision has a phase of its own.
const (
	Unseen       = "waiting for reads to show it" // they still show the deployment before
	Unreconciled = "waiting for the operator"
	NoRevision   = "waiting for the revision"
	Superseded   = "superseded"
)

// Serving says which revision takes calls.
type Serving string

const (
	ServesOurs     Serving = "ours"
	ServesPrevious Serving = "previous"
	ServesNothing  Serving = "nothing"
	ServesUnknown  Serving = ""
)

// Look is what an agent's document shows of our rollout. Two that are equal
// have nothing new to tell.
type Look struct {
	Stage    string // one of the above, or our revision's phase
	Serving  Serving
	Server   string // id of the deployment that serves, where it is known
	Ready    int    // our replicas that are ready
	Started  int    // our replicas that were started
	Restarts int    // of all our replicas
	Reason   string // why our replicas are as they are, such as CrashLoopBackOff
}

// See reads a document for what it shows of our rollout.
func See(doc *pipecat.Agent, rules Rules) Look {
	var look Look
	rev := doc.CurrentRevision
	switch {
	case superseded(doc, rules):
		look.Stage = Superseded
		return look
	case lags(doc, rules):
		look.Stage = Unseen
	case doc.ReconciledDeploymentID != rules.Ours:
		look.Stage = Unreconciled
	case rev == nil && doc.Ready:
		look.Stage = "ready"
	case rev == nil || rev.DeploymentID != rules.Ours || rev.Phase == "":
		look.Stage = NoRevision
	default:
		look.Stage = rev.Phase
		look.Ready = max(0, rev.ReadyReplicas)
		if h := rev.Health; h != nil {
			look.Started, look.Restarts, look.Reason = h.ReplicasStarted, h.RestartCount, h.Reason
		}
	}
	switch {
	case serves(doc, rules):
		look.Serving, look.Server = ServesOurs, rules.Ours
	case doc.Available == nil:
		look.Serving = ServesUnknown
	case !*doc.Available:
		look.Serving = ServesNothing
	case doc.Ready && doc.ReconciledDeploymentID != rules.Ours: // the old story, as long as the operator has not looked
		look.Serving, look.Server = ServesPrevious, doc.ReconciledDeploymentID
	default:
		look.Serving = ServesPrevious
		if doc.PreviousRevision != nil {
			look.Server = doc.PreviousRevision.DeploymentID
		}
	}
	return look
}
