package poll

import (
	"fmt"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

// pullGrace is how long an image may fail to be pulled: a registry may hiccup.
const pullGrace = 30 * time.Second

// Policy says how strictly a rollout is judged.
type Policy struct {
	MaxRestarts int           // forgiven per started replica
	MinReady    time.Duration // how long ready must hold
	MinReplicas int           // that ready takes; 0: the platform decides
}

// History is what a judge must know of earlier observations. The zero History has
// none.
type History struct {
	Started        bool // a replica of the target was started
	Infrastructure bool // the platform reported an issue of its own, last time it spoke of the target's revision

	crashLooped bool      // CrashLoopBackOff at the last observation
	pullSince   time.Time // the image cannot be pulled since
	readySince  time.Time // ready since
}

// Judge decides what an observation, made at the given time, says of its target:
// done without a Failure when it serves, done with one when it failed, else it
// progresses. Fields that are missing, or of an unknown value, never decide
// anything.
//
// The rules are in order; the README gives them the same numbers. What the
// fields mean is from
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-update
func Judge(o revision.Observation, p Policy, h History, at time.Time) (done bool, f *verdict.Failure, next History) {
	// 1. Another client's deployment is wanted now.
	if o.Superseded {
		return true, &verdict.Failure{Status: verdict.Superseded, Reason: verdict.ReasonSuperseded,
			Message: fmt.Sprintf("deployment %s took over from ours, %s", o.DesiredID, o.Target.ID)}, h
	}

	// 2. Until the operator has processed ours, nothing here speaks of it.
	if !o.Reconciled {
		return false, nil, h
	}

	// 3. The platform will not run it.
	if f := refused(o); f != nil {
		return true, f, h
	}

	// 4. Its replicas say.
	if o.HasRevision {
		if f, h = judgeRevision(o, p, h, at); f != nil {
			return true, f, h
		}
	} else {
		h.crashLooped = false
	}

	// 5. It serves; having scaled to zero replicas is fine, unless they are to be
	// warm.
	if o.Serving != revision.ServingOurs || o.ReadyReplicas < p.MinReplicas {
		h.readySince = time.Time{}
		return false, nil, h // 6.
	}
	if h.readySince.IsZero() {
		h.readySince = at
	}
	return at.Sub(h.readySince) >= p.MinReady, nil, h
}

// refused judges an agent's errors.
func refused(o revision.Observation) *verdict.Failure {
	if len(o.Errors) == 0 {
		return nil
	}
	var texts []string
	for _, e := range o.Errors {
		texts = append(texts, revision.Text(e))
	}
	code := o.Errors[0].Code
	return &verdict.Failure{Status: verdict.Failed, Reason: reasonOfCode(code), Code: code, Output: strings.Join(texts, "\n"),
		Message: "the platform cannot run " + o.Target.Name() + ": " + texts[0]}
}

// reasonOfCode sorts the error codes of
// https://docs.pipecat.ai/pipecat-cloud/fundamentals/error-codes
func reasonOfCode(code string) verdict.Reason {
	switch {
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

	looping := health.Reason == "CrashLoopBackOff"
	if health.RestartCount > p.MaxRestarts*min(max(1, health.ReplicasStarted), 1<<20) || looping && h.crashLooped {
		return crashed(o.Target, health), h
	}
	h.crashLooped = looping

	grace, stuck := cannotStart(health.Reason)
	if !stuck {
		h.pullSince = time.Time{}
		return nil, h
	}
	if h.pullSince.IsZero() {
		h.pullSince = at
	}
	if at.Sub(h.pullSince) < grace {
		return nil, h
	}
	return notStarted(health), h
}

// cannotStart reports whether a reason is one for which Kubernetes cannot start a
// container, and how long it is given to pass.
func cannotStart(reason string) (grace time.Duration, stuck bool) {
	switch reason {
	case "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError":
		return pullGrace, true
	case "InvalidImageName":
		return 0, true
	}
	return 0, false
}

func notStarted(h *pipecat.Health) *verdict.Failure {
	f := &verdict.Failure{Status: verdict.Failed, Reason: verdict.ImagePull, Output: h.Message}
	f.Message = "the image cannot be pulled" + because(h.Reason, h.Message)
	if h.Reason == "CreateContainerConfigError" {
		f.Reason = verdict.Refused
		f.Message = "the container cannot be set up" + because(h.Reason, h.Message)
	}
	return f
}

func crashed(t revision.Target, h *pipecat.Health) *verdict.Failure {
	f := &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash, Output: h.Message, ExitCode: h.LastExitCode}
	what := t.Name() + " crashes"
	if h.Reason == "OOMKilled" || h.LastTerminationReason == "OOMKilled" || h.LastExitCode != nil && *h.LastExitCode == 137 {
		f.Reason = verdict.OutOfMemory
		what = t.Name() + " runs out of memory"
	}
	var facts []string
	if h.LastExitCode != nil {
		facts = append(facts, fmt.Sprintf("exit code %d", *h.LastExitCode))
	}
	if h.RestartCount > 0 {
		facts = append(facts, quantity.Count(h.RestartCount, "restart"))
	}
	f.Message = what + because(strings.Join(facts, ", "), h.Message)
	return f
}

// failedPhase judges a revision that the platform gave up.
func failedPhase(o revision.Observation, h *pipecat.Health) *verdict.Failure {
	var f *verdict.Failure
	why := o.Degraded
	_, stuck := cannotStart(h.Reason)
	switch {
	case stuck:
		f = notStarted(h)
	case h.LastExitCode != nil || h.RestartCount > 0 || h.LastTerminationReason != "" || h.Reason == "OOMKilled" || h.Reason == "CrashLoopBackOff":
		f = crashed(o.Target, h)
	case strings.HasPrefix(why.Reason, "Image"): // such as ImageResolutionFailed
		f = &verdict.Failure{Status: verdict.Failed, Reason: verdict.ImagePull}
	default:
		f = &verdict.Failure{Status: verdict.Failed, Reason: verdict.Refused}
	}
	switch {
	case why.Message != "" || why.Reason != "":
		f.Message = o.Target.Name() + " failed" + because(why.Reason, why.Message)
		if f.Output == "" {
			f.Output = why.Message
		}
	case f.Message == "":
		f.Message = o.Target.Name() + " failed" + because(h.Reason, h.Message)
		f.Output = h.Message
	}
	return f
}

// because ends a sentence with its cause: a word of ours or the platform's in
// brackets, and the last line of a text, which is where a traceback says what
// is wrong.
func because(word, text string) string {
	var b strings.Builder
	if word != "" {
		fmt.Fprintf(&b, " (%s)", word)
	}
	text = strings.TrimSpace(text)
	if i := strings.LastIndexAny(text, "\r\n"); i >= 0 {
		text = text[i+1:]
	}
	if text = strings.TrimSpace(text); text != "" {
		b.WriteString(": " + text)
	}
	return b.String()
}
