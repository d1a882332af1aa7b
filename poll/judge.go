// Package poll waits for a rollout or a build, and decides what it came to.
package poll

import (
	"fmt"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

// pullGrace is how long an image may fail to be pulled: a registry may hiccup.
const pullGrace = 30 * time.Second

// Rules say which rollout is judged, and how strictly.
type Rules struct {
	Ours        string        // id of the deployment that was asked for
	Previous    string        // id of the one before; empty for a new agent
	Made        time.Time     // when ours was, by the platform's clock; zero when that is not known
	MaxRestarts int           // forgiven per started replica
	MinReady    time.Duration // how long ready must hold
	Warm        int           // replicas that ready takes; 0: the platform decides
	Restores    string        // id of the deployment that ours puts back; empty: it puts back none
}

// revision names ours to who reads of it: one that an update left as it was is
// not new.
func (r Rules) revision() string {
	if r.Restores != "" {
		return "the revision that was put back"
	}
	if r.Ours == r.Previous {
		return "the revision that is there"
	}
	return "the new revision"
}

// Memory is what a judge must know of earlier looks. The zero Memory has none.
type Memory struct {
	Started        bool // a replica of ours was started
	Infrastructure bool // the platform told of trouble of its own, last time it spoke of our revision

	crashLooped bool      // CrashLoopBackOff at the last look
	pullSince   time.Time // the image cannot be pulled since
	readySince  time.Time // ready since
}

// Judge decides what an agent's document says of our deployment, as seen at
// the given time. The zero Verdict means that it progresses. Fields that are
// missing, or of a value that is not known, never decide anything.
//
// The rules are in order; the README gives them the same numbers. What the
// fields mean is from
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-update
func Judge(doc *pipecat.Agent, rules Rules, m Memory, at time.Time) (verdict.Verdict, Memory) {
	// 1. Someone else's deployment is wanted now.
	if superseded(doc, rules) {
		return verdict.Verdict{
			Status:  verdict.Superseded,
			Reason:  verdict.Replaced,
			Message: fmt.Sprintf("deployment %s took over from ours, %s", doc.Desired(), rules.Ours),
		}, m
	}

	// 2. Until the operator has processed ours, nothing here speaks of it.
	if lags(doc, rules) || doc.ReconciledDeploymentID != rules.Ours {
		return verdict.Verdict{}, m
	}

	// 3. The platform will not run it.
	if v, ok := refused(doc, rules); ok {
		return v, m
	}

	// 4. Its replicas tell.
	rev := doc.CurrentRevision
	if rev != nil && rev.DeploymentID == rules.Ours {
		var v verdict.Verdict
		if v, m = judgeRevision(doc, rev, rules, m, at); v.Status != "" {
			return v, m
		}
	} else {
		m.crashLooped = false
	}

	// 5. It serves; having scaled to zero replicas is fine, unless they are to be
	// warm.
	if !serves(doc, rules) || !warm(doc, rules) {
		m.readySince = time.Time{}
		return verdict.Verdict{}, m // 6.
	}
	if m.readySince.IsZero() {
		m.readySince = at
	}
	if at.Sub(m.readySince) < rules.MinReady {
		return verdict.Verdict{}, m
	}
	return verdict.Verdict{Status: verdict.Ready}, m
}

func superseded(doc *pipecat.Agent, rules Rules) bool {
	return doc.Desired() != rules.Ours && doc.Desired() != "" && !lags(doc, rules)
}

// lags reports whether a document is from before our update: it shows as the
// desired deployment the previous one still, or another's that is older than
// ours.
func lags(doc *pipecat.Agent, rules Rules) bool {
	switch doc.Desired() {
	case rules.Ours, "":
		return false
	case rules.Previous, rules.Restores:
		return true
	}
	made := doc.DesiredCreatedAt()
	return !made.IsZero() && made.Before(rules.Made)
}

// serves reports whether our deployment, once reconciled, takes calls.
func serves(doc *pipecat.Agent, rules Rules) bool {
	rev := doc.CurrentRevision
	return doc.Ready && (doc.Available == nil || *doc.Available) &&
		doc.ReconciledDeploymentID == rules.Ours && (rev == nil || rev.DeploymentID == rules.Ours)
}

// warm reports whether enough replicas of our deployment, which serves, are
// ready.
func warm(doc *pipecat.Agent, rules Rules) bool {
	return rules.Warm == 0 || doc.CurrentRevision != nil && doc.CurrentRevision.ReadyReplicas >= rules.Warm
}

// refused judges an agent's errors.
func refused(doc *pipecat.Agent, rules Rules) (verdict.Verdict, bool) {
	var told []string
	var first pipecat.AgentError
	for _, e := range doc.Errors {
		text := e.Message
		if e.Code != "" {
			text = strings.TrimSuffix(e.Code+": "+e.Message, ": ")
		}
		if text == "" {
			continue
		}
		if told == nil {
			first = e
		}
		told = append(told, text)
	}
	if told == nil {
		return verdict.Verdict{}, false
	}
	return verdict.Verdict{
		Status:  verdict.Failed,
		Reason:  reasonOfCode(first.Code),
		Message: "the platform cannot run " + rules.revision() + ": " + told[0],
		Detail:  strings.Join(told, "\n"),
		Code:    first.Code,
	}, true
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

// judgeRevision judges our revision by its phase and its health.
func judgeRevision(doc *pipecat.Agent, rev *pipecat.Revision, rules Rules, m Memory, at time.Time) (verdict.Verdict, Memory) {
	m.Infrastructure = rev.HasInfrastructureIssue
	health := rev.Health
	if health == nil {
		health = &pipecat.Health{}
	} else {
		m.Started = true
	}

	if rev.Phase == pipecat.Failed {
		return failedPhase(doc, health, rules), m
	}

	looping := health.Reason == "CrashLoopBackOff"
	if health.RestartCount > rules.MaxRestarts*min(max(1, health.ReplicasStarted), 1<<20) || looping && m.crashLooped {
		return crashed(health, rules), m
	}
	m.crashLooped = looping

	grace, stuck := cannotStart(health.Reason)
	if !stuck {
		m.pullSince = time.Time{}
		return verdict.Verdict{}, m
	}
	if m.pullSince.IsZero() {
		m.pullSince = at
	}
	if at.Sub(m.pullSince) < grace {
		return verdict.Verdict{}, m
	}
	return notStarted(health), m
}

// cannotStart tells a reason for which Kubernetes cannot start a container,
// and how long it is given to pass.
func cannotStart(reason string) (grace time.Duration, stuck bool) {
	switch reason {
	case "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError":
		return pullGrace, true
	case "InvalidImageName":
		return 0, true
	}
	return 0, false
}

func notStarted(h *pipecat.Health) verdict.Verdict {
	v := verdict.Verdict{Status: verdict.Failed, Reason: verdict.ImagePull, Detail: h.Message}
	v.Message = "the image cannot be pulled" + because(h.Reason, h.Message)
	if h.Reason == "CreateContainerConfigError" {
		v.Reason = verdict.Refused
		v.Message = "the container cannot be set up" + because(h.Reason, h.Message)
	}
	return v
}

func crashed(h *pipecat.Health, rules Rules) verdict.Verdict {
	v := verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash, Detail: h.Message, Exit: h.LastExitCode}
	what := rules.revision() + " crashes"
	if h.Reason == "OOMKilled" || h.LastTerminationReason == "OOMKilled" || h.LastExitCode != nil && *h.LastExitCode == 137 {
		v.Reason = verdict.OutOfMemory
		what = rules.revision() + " runs out of memory"
	}
	var facts []string
	if h.LastExitCode != nil {
		facts = append(facts, fmt.Sprintf("exit code %d", *h.LastExitCode))
	}
	if h.RestartCount > 0 {
		facts = append(facts, count(h.RestartCount, "restart"))
	}
	v.Message = what + because(strings.Join(facts, ", "), h.Message)
	return v
}

// failedPhase judges a revision that the platform gave up.
func failedPhase(doc *pipecat.Agent, h *pipecat.Health, rules Rules) verdict.Verdict {
	var why pipecat.Condition
	for _, c := range doc.Conditions {
		if c.Type == "Degraded" && c.Status == "True" {
			why = c
		}
	}
	var v verdict.Verdict
	_, stuck := cannotStart(h.Reason)
	switch {
	case stuck:
		v = notStarted(h)
	case h.LastExitCode != nil || h.RestartCount > 0 || h.LastTerminationReason != "" || h.Reason == "OOMKilled" || h.Reason == "CrashLoopBackOff":
		v = crashed(h, rules)
	case strings.HasPrefix(why.Reason, "Image"): // such as ImageResolutionFailed
		v = verdict.Verdict{Status: verdict.Failed, Reason: verdict.ImagePull}
	default:
		v = verdict.Verdict{Status: verdict.Failed, Reason: verdict.Refused}
	}
	switch {
	case why.Message != "" || why.Reason != "":
		v.Message = rules.revision() + " failed" + because(why.Reason, why.Message)
		if v.Detail == "" {
			v.Detail = why.Message
		}
	case v.Message == "":
		v.Message = rules.revision() + " failed" + because(h.Reason, h.Message)
		v.Detail = h.Message
	}
	return v
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

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
