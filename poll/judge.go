package poll

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	// pullGrace is how long an image may fail to be pulled: a registry may hiccup.
	pullGrace = 30 * time.Second
	// errorGrace is how long the platform's errors must show: some come and go.
	errorGrace = 5 * time.Second
	// forgivenReads are the failed reads in a row that do not end a time of being
	// ready.
	forgivenReads = 2
)

// Policy says how strictly a rollout is judged.
type Policy struct {
	AcceptedOnly bool          // it is enough that documents show the target
	MaxRestarts  int           // forgiven per started replica
	MinReady     time.Duration // how long ready must hold
	MinReplicas  int           // that ready takes; 0: the platform decides
}

// WithMinReplicas is the policy for a deployment that is to have some replicas ready.
func (p Policy) WithMinReplicas(replicas int) Policy {
	p.MinReplicas = replicas
	return p
}

// History is what a judge must know of earlier observations. The zero History has
// none.
type History struct {
	Started        bool // a replica of the target was started
	Infrastructure bool // the platform reported an infrastructure issue when it last reported the target's revision

	crashLooped bool      // CrashLoopBackOff at the last observation
	restarts    *int      // of the target's replicas when they were first seen, where it is not new
	pullSince   time.Time // the image cannot be pulled since
	readySince  time.Time // ready since
	errorSince  time.Time // the platform's errors show since
	limitSince  time.Time // the same, of errors that may pass
	otherSince  time.Time // other settings show since
	failedReads int       // in a row
}

// ReadFailed is the history after a read that failed.
func (h History) ReadFailed() History {
	if h.failedReads++; h.failedReads > forgivenReads {
		h.readySince = time.Time{}
	}
	return h
}

// Judge decides what an observation, made at the given time, says of its target:
// done without a Failure when it serves, done with one when it failed, else it
// progresses. Fields that are missing, or of an unknown value, never decide
// anything.
//
// The rules are in order; docs/how-it-decides.md gives them the same numbers. What the
// fields mean is from
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-update
func Judge(o revision.Observation, p Policy, h History, at time.Time) (done bool, f *verdict.Failure, next History) {
	// 1. A document of another agent, or of no deployment, is no evidence. The client
	// makes a failed read of it: see ReadFailed.
	readySince := h.readySince
	h.failedReads, h.readySince = 0, time.Time{}

	// 2. Another client's deployment is wanted now, or ours is not what was asked for.
	switch {
	case o.Superseded:
		return true, verdict.NewSuperseded("another client has deployed: deployment %s replaced %s", o.DesiredID, o.Target.ID), h
	case o.Other.Match == settings.Different:
		if since(&h.otherSince, at) >= revision.WriteTime {
			return true, verdict.NewSuperseded("deployment %s, which the platform names as ours, is not what was asked for: its %s", o.Target.ID, o.Other), h
		}
		return false, nil, h
	}

	// 3. A stale document says nothing.
	if o.Stale {
		return false, nil, h
	}
	h.otherSince = time.Time{}
	if p.AcceptedOnly {
		return true, nil, h
	}

	// 4. The platform will not run it.
	if f, h = judgeErrors(o, h, at); f != nil {
		return true, f, h
	}

	// 5. Until the operator has processed ours, nothing else here speaks of it.
	if !o.Reconciled {
		return false, nil, h
	}

	// 6. Its replicas say.
	if o.HasRevision {
		if f, h = judgeRevision(o, p, h, at); f != nil {
			return true, f, h
		}
	} else {
		h.crashLooped = false
	}

	// 7. It serves; having scaled to zero replicas is fine, unless they are to be
	// warm.
	if !o.Serves || p.MinReplicas > 0 && o.ReadyReplicas < p.MinReplicas || !h.errorSince.IsZero() {
		return false, nil, h // 8.
	}
	if h.readySince = readySince; readySince.IsZero() {
		h.readySince = at
	}
	return at.Sub(h.readySince) >= p.MinReady, nil, h
}

// since starts a clock that is not running, and returns how long it runs.
func since(clock *time.Time, at time.Time) time.Duration {
	if clock.IsZero() {
		*clock = at
	}
	return at.Sub(*clock)
}

// judgeErrors judges an agent's errors. Those that it had before are not the
// target's, except where the target is the deployment of before, and does not
// serve; nor, while the target serves, are those that only say the same in other
// words. One that may pass has the grace of an image that cannot be pulled, and
// does not keep a target that serves from being ready.
func judgeErrors(o revision.Observation, h History, at time.Time) (*verdict.Failure, History) {
	errs := o.NewErrors
	if o.Target.Unchanged() && o.Reconciled && !o.Serves {
		errs = o.Errors
	}
	var grave, passing []pipecat.AgentError
	for _, e := range errs {
		switch {
		case mayPass(e):
			passing = append(passing, e)
		case !o.Serves || !hasCode(o.Target.KnownErrors, e.Code):
			grave = append(grave, e)
		}
	}
	if len(grave) == 0 {
		h.errorSince = time.Time{}
	} else if since(&h.errorSince, at) >= errorGrace {
		return refused(o.Target, grave), h
	}
	if len(passing) == 0 || o.Serves {
		h.limitSince = time.Time{}
	} else if since(&h.limitSince, at) >= pullGrace {
		return refused(o.Target, passing), h
	}
	return nil, h
}

// hasCode reports whether one of the errors has a code, and that is not "".
func hasCode(errs []pipecat.AgentError, code string) bool {
	return code != "" && slices.ContainsFunc(errs, func(e pipecat.AgentError) bool { return e.Code == code })
}

// mayPass reports whether an error is one of load, as the platform says it or a registry.
func mayPass(e pipecat.AgentError) bool {
	words := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToUpper(e.Code + " " + e.Message))
	return strings.Contains(words, "RATELIMIT") || strings.Contains(words, "TOOMANYREQUESTS")
}

// refused is the failure of a target that the platform will not run.
func refused(t revision.Target, errs []pipecat.AgentError) *verdict.Failure {
	code := errs[0].Code
	f := &verdict.Failure{Status: verdict.Failed, Reason: reasonOfCode(code), Code: code, Message: "the platform cannot run " + t.Name()}
	f.Show(verdict.FromPlatform, errorTexts(errs))
	return f
}

// errorTexts are errors as people read them, a line each.
func errorTexts(errs []pipecat.AgentError) string {
	var texts []string
	for _, e := range errs {
		texts = append(texts, revision.Text(e))
	}
	return strings.Join(texts, "\n")
}

// reasonOfCode sorts the error codes of
// https://docs.pipecat.ai/pipecat-cloud/fundamentals/error-codes
func reasonOfCode(code string) verdict.Reason {
	switch code = strings.ToUpper(code); {
	case code == "PCC_INVALID_IMAGE_PLATFORM":
		return verdict.ImagePlatform
	case strings.HasPrefix(code, "PCC_IMAGE_"):
		return verdict.ImagePull
	}
	return verdict.Refused
}

// judgeRevision judges the target's revision by its phase and its health.
func judgeRevision(o revision.Observation, p Policy, h History, at time.Time) (*verdict.Failure, History) {
	h.Infrastructure = o.Infrastructure
	health := o.Health
	if health == nil {
		health = &pipecat.Health{}
	} else {
		h.Started = true
	}

	if o.Failed {
		return failedPhase(o, health), h
	}

	restarts := health.Restarts()
	if o.Target.Unchanged() { // which may have restarted in a long life
		if h.restarts = atFirst(cmp.Or(h.restarts, o.Target.Restarts), o.Health); h.restarts != nil {
			restarts -= *h.restarts
		}
	}
	looping := revision.IsCrashLoop(health)
	tooMany := !o.Serves && restarts > p.MaxRestarts*min(max(1, health.ReplicasStarted), 1<<20)
	if tooMany || looping && h.crashLooped {
		return crashed(o.Target, health, max(0, restarts)), h
	}
	h.crashLooped = looping

	grace, stuck := cannotStart(health)
	if !stuck {
		h.pullSince = time.Time{}
		return nil, h
	}
	if since(&h.pullSince, at) < grace {
		return nil, h
	}
	return notStarted(health), h
}

// atFirst is how often replicas had been restarted when they were first seen, given what is
// known of that; nil while it is not. Fewer restarts are of other replicas, and a count that
// is not shown says nothing.
func atFirst(known *int, health *pipecat.Health) *int {
	switch {
	case health == nil && known == nil: // none has started
		return new(int)
	case health == nil, health.RestartCount == nil, known != nil && *known <= *health.RestartCount:
		return known
	}
	return health.RestartCount
}

// cannotStart reports whether Kubernetes cannot start a container, and how long it is
// given to.
func cannotStart(h *pipecat.Health) (grace time.Duration, stuck bool) {
	if strings.EqualFold(h.Reason, "InvalidImageName") {
		return 0, true
	}
	return pullGrace, revision.IsStuck(h)
}

func notStarted(h *pipecat.Health) *verdict.Failure {
	f := &verdict.Failure{Status: verdict.Failed, Reason: verdict.ImagePull, Message: "the image cannot be pulled"}
	if strings.Contains(strings.ToLower(h.Reason), "container") {
		f.Reason, f.Message = verdict.Refused, "the container cannot be set up"
	}
	explain(f, h.Reason, cmp.Or(h.Message, h.Headline))
	return f
}

// crashed is the failure of a revision whose replicas exit, given how often they
// were restarted.
func crashed(t revision.Target, h *pipecat.Health, restarts int) *verdict.Failure {
	f := &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash, ExitCode: h.LastExitCode}
	f.Show(verdict.FromContainer, h.Message)
	what := t.Name() + " crashes"
	killed := h.LastExitCode != nil && *h.LastExitCode == 137
	switch {
	case strings.EqualFold(h.Reason, "OOMKilled"), strings.EqualFold(h.LastTerminationReason, "OOMKilled"), killed && h.LastTerminationReason == "":
		f.Reason = verdict.OutOfMemory
		what = t.Name() + " runs out of memory"
	case killed: // the platform says otherwise
		what = t.Name() + " is killed, by a health check that fails or because it needs more memory"
	}
	var facts []string
	if h.Headline != "" && h.Message == "" { // nothing else says why
		facts = append(facts, h.Headline)
	}
	if h.LastExitCode != nil {
		facts = append(facts, fmt.Sprintf("exit code %d", *h.LastExitCode))
	}
	if restarts > 0 {
		facts = append(facts, quantity.Count(restarts, "restart"))
	}
	f.Message = what + inBrackets(strings.Join(facts, ", "))
	return f
}

// failedPhase judges a revision that the platform gave up.
func failedPhase(o revision.Observation, h *pipecat.Health) *verdict.Failure {
	if len(o.NewErrors) > 0 { // which say why
		return refused(o.Target, o.NewErrors)
	}
	if o.Target.Unchanged() && len(o.Errors) > 0 {
		return refused(o.Target, o.Errors)
	}
	var f *verdict.Failure
	why := o.Degraded
	_, stuck := cannotStart(h)
	switch {
	case stuck:
		f = notStarted(h)
	case h.LastExitCode != nil || h.Restarts() > 0 || h.LastTerminationReason != "" || strings.EqualFold(h.Reason, "OOMKilled") || revision.IsCrashLoop(h):
		f = crashed(o.Target, h, h.Restarts())
	case strings.HasPrefix(why.Reason, "Image"): // such as ImageResolutionFailed
		f = &verdict.Failure{Status: verdict.Failed, Reason: verdict.ImagePull}
	default:
		f = &verdict.Failure{Status: verdict.Failed, Reason: verdict.Refused}
	}
	switch {
	case why.Message != "" || why.Reason != "":
		f.Message = o.Target.Name() + " failed"
		explain(f, why.Reason, why.Message)
	case f.Message == "":
		f.Message = o.Target.Name() + " failed"
		explain(f, h.Reason, h.Message)
	}
	return f
}

// explain adds to a failure the platform's reason, and its words for it. They become the
// cause, so that a reason which is equal is left out.
func explain(f *verdict.Failure, reason, words string) {
	if reason != words {
		f.Message += inBrackets(reason)
	}
	f.Show(verdict.FromPlatform, words)
}

// inBrackets is our word or the platform's behind what it explains; "" for
// none.
func inBrackets(word string) string {
	if word == "" {
		return ""
	}
	return " (" + word + ")"
}
