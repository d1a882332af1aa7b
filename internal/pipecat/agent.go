package pipecat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Regions are the platform's own. An organization may have others.
var Regions = []string{"us-west", "us-east", "eu-central", "ap-south"}

// Settings are what a request can set when an agent is created and when it is
// updated. What is empty or nil is not sent, and the agent keeps what it has.
type Settings struct {
	Image              string       `json:"image,omitempty"`
	BuildID            string       `json:"buildId,omitempty"`      // instead of Image
	Architecture       string       `json:"architecture,omitempty"` // not in the reference; arm64 or amd64
	NodeType           string       `json:"nodeType,omitempty"`     // the reference's name of it: arm or amd
	ImagePullSecretSet string       `json:"imagePullSecretSet,omitempty"`
	SecretSet          string       `json:"secretSet,omitempty"`
	AutoScaling        *AutoScaling `json:"autoScaling,omitempty"`
	KrispViva          *KrispViva   `json:"krispViva,omitempty"`
	AgentProfile       string       `json:"agentProfile,omitempty"`
	Resources          *Resources   `json:"resources,omitempty"`          // not in the reference; in place of AgentProfile, in regions of an organization's own
	MaxSessionDuration int          `json:"maxSessionDuration,omitempty"` // seconds
	WebsocketAuth      string       `json:"websocketAuth,omitempty"`      // not in the reference; the platform's CLI sends it
}

// AutoScaling bounds how many agents run. A nil bound is not sent.
type AutoScaling struct {
	MinAgents *int `json:"minAgents,omitempty"`
	MaxAgents *int `json:"maxAgents,omitempty"`
}

// Resources are the size of an agent, as Kubernetes writes quantities.
type Resources struct {
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
}

// KrispViva selects the noise filter. A nil AudioFilter is JSON's null, which
// turns the filter off; a nil *KrispViva in Settings leaves it as it is.
type KrispViva struct {
	AudioFilter *string `json:"audioFilter"`
}

// UpdateRequest is the body of an update.
type UpdateRequest struct {
	Settings
	ForceRedeploy bool `json:"forceRedeploy,omitempty"`
}

// CreateRequest is the body of a creation; it needs an Image or a BuildID.
type CreateRequest struct {
	ServiceName string `json:"serviceName"`
	Region      string `json:"region,omitempty"`
	Settings
}

// Agent is the ServiceDetailsResponse of the reference, with the fields that
// the platform sends beyond it. Any field may be missing or null.
type Agent struct {
	Name                   string          `json:"name"`
	Region                 string          `json:"region"`
	Ready                  Flag            `json:"ready"`     // see IsReady
	Available              Flag            `json:"available"` // may be True while Ready is False: old replicas serve
	CreatedAt              Time            `json:"createdAt"`
	UpdatedAt              Time            `json:"updatedAt"`
	DesiredDeploymentID    string          `json:"desiredDeploymentId"`
	ActiveDeploymentID     string          `json:"activeDeploymentId"` // deprecated: see Desired
	ReconciledDeploymentID string          `json:"reconciledDeploymentId"`
	ActiveDeploymentReady  Flag            `json:"activeDeploymentReady"` // deprecated: see IsReady
	AutoScaling            *Replicas       `json:"autoScaling"`
	ActiveSessionCount     int             `json:"activeSessionCount"`
	Deployment             *Deployment     `json:"deployment"`
	AgentProfile           string          `json:"agentProfile"`
	Resources              *Resources      `json:"resources"` // not in the reference; of a profile, too
	KrispViva              *KrispViva      `json:"krispViva"`
	CurrentRevision        *Revision       `json:"currentRevision"`
	PreviousRevision       *Revision       `json:"previousRevision"`
	Errors                 AgentErrors     `json:"errors"`        // not in the reference
	Conditions             List[Condition] `json:"conditions"`    // not in the reference
	Warning                string          `json:"warning"`       // not in the reference; in an update's answer
	WebsocketAuth          string          `json:"websocketAuth"` // not in the reference
}

// IsReady reports whether the agent says that it is ready: by Ready, and only where
// that is absent by the deprecated field that was before it.
func (a *Agent) IsReady() bool {
	return a.Ready == True || a.Ready == Absent && a.ActiveDeploymentReady == True
}

// Desired is the id of the deployment that was asked for last, or "".
func (a *Agent) Desired() string {
	if a.DesiredDeploymentID != "" {
		return a.DesiredDeploymentID
	}
	return a.ActiveDeploymentID
}

// DesiredDeployment is that deployment, as the document shows it; nil where it shows
// none, or another one beside the id.
func (a *Agent) DesiredDeployment() *Deployment {
	if a == nil || a.Deployment == nil || a.Deployment.ID != "" && a.Desired() != "" && a.Deployment.ID != a.Desired() {
		return nil
	}
	return a.Deployment
}

// DesiredCreatedAt is when it was made, by the platform's clock; zero where the document
// does not say.
func (a *Agent) DesiredCreatedAt() time.Time {
	if d := a.DesiredDeployment(); d != nil {
		return d.CreatedAt.Time
	}
	return time.Time{}
}

// Replicas bounds an agent's replicas, as its document shows it.
type Replicas struct {
	MinReplicas *int `json:"minReplicas"`
	MaxReplicas *int `json:"maxReplicas"`
}

// Deployment is one accepted configuration.
type Deployment struct {
	ID        string   `json:"id"`
	BuildID   string   `json:"buildId"` // not in the reference; "" where it is of no build, or not shown
	Manifest  Manifest `json:"manifest"`
	ServiceID string   `json:"serviceId"`
	CreatedAt Time     `json:"createdAt"`
	UpdatedAt Time     `json:"updatedAt"`
}

// Manifest is the Kubernetes resource behind a deployment.
type Manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec Spec `json:"spec"`
}

// Spec is what a manifest asks for.
type Spec struct {
	Arch                string       `json:"arch"` // not in the reference; see DailyNodeType
	DailyNodeType       string       `json:"dailyNodeType"`
	Image               string       `json:"image"` // redacted when deployed from a build
	AutoScaling         *Replicas    `json:"autoScaling"`
	ImagePullSecretName string       `json:"imagePullSecretName"`
	EnvFromSecretNames  List[string] `json:"envFromSecretNames"`
	Resources           Resources    `json:"resources"`
	KrispViva           struct {
		AudioFilters bool `json:"audioFilters"`
	} `json:"krispViva"`
	MaxSessionDurationSeconds int `json:"maxSessionDurationSeconds"` // 0: the platform's default
}

// Phases of a revision that the reference names, besides Draining. There may
// be others.
const (
	Creating   = "Creating"
	Validating = "Validating"
	Active     = "Active"
	Failed     = "Failed"
)

// Revision is a deployment as it runs; RevisionInfo in the reference.
type Revision struct {
	DeploymentID           string  `json:"deploymentID"`
	Phase                  string  `json:"phase"`
	ReadyReplicas          int     `json:"readyReplicas"`
	PhaseStartedAt         Time    `json:"phaseStartedAt"`
	Health                 *Health `json:"health"` // nil until a replica has started
	HasInfrastructureIssue bool    `json:"hasInfrastructureIssue"`
}

// Health is the state of the agent's code; RevisionHealth in the reference.
type Health struct {
	Ready                 bool   `json:"ready"`
	State                 string `json:"state"`           // running, waiting, terminated
	RestartCount          *int   `json:"restartCount"`    // over all replicas; see Restarts
	ReplicasStarted       int    `json:"replicasStarted"` // ready or not
	Reason                string `json:"reason"`          // such as CrashLoopBackOff
	LastExitCode          *int   `json:"lastExitCode"`
	LastTerminationReason string `json:"lastTerminationReason"` // such as OOMKilled
	Message               string `json:"message"`               // the crash's own output; not ours
	Headline              string `json:"headline"`              // not in the reference; such as "Out of memory"
}

// Restarts is how often all replicas were restarted, as far as it is shown.
func (h *Health) Restarts() int {
	if h.RestartCount == nil {
		return 0
	}
	return *h.RestartCount
}

// List is a JSON array. At most a hundred of its items are read; one that is not
// understood is left out, and what is no array is empty.
type List[T any] []T

// UnmarshalJSON never fails: see AgentError's.
func (l *List[T]) UnmarshalJSON(data []byte) error {
	*l = listOf[T](data, 100)
	return nil
}

// listOf reads so many items of a JSON array at most, one after the other, so that a
// long array takes no more memory than they do.
func listOf[T any](data []byte, most int) (list []T) {
	items := json.NewDecoder(bytes.NewReader(data))
	if t, err := items.Token(); err != nil || t != json.Delim('[') {
		return nil
	}
	if !items.More() {
		return []T{} // an empty list is no absent one
	}
	for items.More() && len(list) < most {
		var item T
		if err := items.Decode(&item); err == nil {
			list = append(list, item)
		} else if odd := (*json.UnmarshalTypeError)(nil); !errors.As(err, &odd) {
			break
		}
	}
	return list
}

// AgentErrors are an agent's errors. The reference does not say what the platform sends
// here: a list of them, one alone, or some inside of something else.
type AgentErrors []AgentError

// UnmarshalJSON never fails: see AgentError's. What says nothing is left out.
func (l *AgentErrors) UnmarshalJSON(data []byte) error {
	*l = nil
	left := 1000 // values that are looked at
	l.find("", data, 3, &left)
	return nil
}

// find adds the errors of a value that has the given name, and of what is inside of it,
// so many levels deep. At most a hundred are found.
func (l *AgentErrors) find(name string, data []byte, depth int, left *int) {
	const most = 100
	data = bytes.TrimSpace(data)
	var e AgentError
	if len(data) > 0 && (data[0] == '{' || data[0] == '"') {
		_ = e.UnmarshalJSON(data)
	}
	switch {
	case e != AgentError{}:
		if e.Code == "" && isErrorCode(name) {
			e.Code = name
		}
		*l = append(*l, e)
		return
	case depth == 0 || len(data) == 0 || data[0] != '{' && data[0] != '[':
		return
	}
	values := json.NewDecoder(bytes.NewReader(data))
	_, _ = values.Token() // the bracket
	for ; values.More() && len(*l) < most && *left > 0; *left-- {
		if data[0] == '{' {
			t, _ := values.Token()
			name, _ = t.(string)
		}
		var value json.RawMessage
		if values.Decode(&value) != nil {
			return
		}
		// A text is an error as an item of a list, and where a code stands before it, or in it.
		text := value[0] == '"'
		if !text || data[0] == '[' || isErrorCode(name) || bytes.HasPrefix(value, []byte(`"PCC`)) {
			l.find(name, value, depth-1, left)
		}
	}
}

// AgentError is one of an agent's errors, such as PCC_IMAGE_NOT_FOUND. One without a
// code and a message is none.
type AgentError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// UnmarshalJSON takes a bare text for the message, behind a code where it begins with
// one. It never fails: a document must not be lost over it.
func (e *AgentError) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &e.Message) == nil {
		e.Message = strings.TrimSpace(e.Message)
		if code, rest, _ := strings.Cut(e.Message, " "); isErrorCode(strings.TrimSuffix(code, ":")) {
			e.Code, e.Message = strings.TrimSuffix(code, ":"), strings.TrimSpace(rest)
		}
		return nil
	}
	var said struct{ Code, Message, Error string } // the API's own refusals have an error
	_ = json.Unmarshal(data, &said)                // what it understands; it is JSON, or we were not called
	e.Code, e.Message = strings.TrimSpace(said.Code), strings.TrimSpace(cmp.Or(said.Message, said.Error))
	return nil
}

// isErrorCode reports whether a word is one of the platform's codes: PCC-1004,
// PCC_IMAGE_NOT_FOUND.
func isErrorCode(word string) bool {
	return len(word) > 4 && strings.EqualFold(word[:3], "PCC") && strings.ContainsAny(word[3:4], "-_")
}

// logLines are a part of an agent's log. At most ten thousand lines are read; one that
// is not understood is left out.
type logLines []LogLine

// UnmarshalJSON never fails: see AgentError's.
func (l *logLines) UnmarshalJSON(data []byte) error {
	*l = listOf[LogLine](data, maxLogEntries)
	return nil
}

// LogLine is what an agent printed at a time.
type LogLine struct {
	Text         string `json:"log"`
	Timestamp    Time   `json:"timestamp"`
	DeploymentID string `json:"deploymentId"` // may be empty
}

// UnmarshalJSON has an odd field beside the text cost no more than that field.
func (l *LogLine) UnmarshalJSON(data []byte) error {
	*l = LogLine{}
	type fields LogLine
	if err := json.Unmarshal(data, (*fields)(l)); err != nil && l.Text == "" {
		return err
	}
	return nil
}

// Condition is a Kubernetes condition: Available, Progressing or Degraded.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"` // "True" or "False"
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Flag is a boolean that the platform sends.
type Flag int

const (
	Absent Flag = iota // missing, or null
	False
	True
	Odd // a value of another type, which says nothing
)

// UnmarshalJSON never fails.
func (f *Flag) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true":
		*f = True
	case "false":
		*f = False
	case "null":
		*f = Absent
	default:
		*f = Odd
	}
	return nil
}

// Time is a time that the platform sends, zero when it is missing or cannot be
// read: no date of theirs is worth losing a document for.
type Time struct{ time.Time }

// UnmarshalJSON reads RFC 3339 and never fails.
func (t *Time) UnmarshalJSON(data []byte) error {
	if t.Time.UnmarshalJSON(data) != nil {
		t.Time = time.Time{}
	}
	return nil
}
