// Package simulator is Pipecat Cloud in a process: an http.Handler with real
// state, for tests and for the demo. It refuses what the platform refuses, with
// the same status and code and words of the same sense.
package simulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// Regions are those of the platform.
var Regions = []string{"us-west", "us-east", "eu-central", "ap-south"}

// Cloud is one organization on Pipecat Cloud. The zero Cloud has no agents,
// builds and secret sets, and is ready to serve. How a deployment goes is
// written in the tag of its image: see Scripts.
type Cloud struct {
	// Key is the Private key that it takes. When it is empty, any key will do
	// that is not a Public one.
	Key string
	// PublicKey is the Public key, with which sessions are started. When it is
	// empty, any Public one will do.
	PublicKey string
	// ReadLag makes a read show an update only after this time.
	ReadLag time.Duration
	// ReadLags are added to it, one read after another, in turn: each copy of the
	// platform's data has its own.
	ReadLags []time.Duration
	// AnswerLag makes the answer to an update show the agent as it was so long ago,
	// where it was there.
	AnswerLag time.Duration
	// TornFor is for how long a deployment shows some settings of the one before it
	// beside its own id, in answers and to reads. Torn are the names of these settings,
	// as inputs have them.
	TornFor time.Duration
	Torn    []string
	// Raced returns what another client creates right before a creation of the agent
	// with the given name, and Overtaken what another client asks for between an update
	// and its answer, which then shows that. Nil is nothing.
	Raced, Overtaken func(name string) *pipecat.Settings
	// ExistsStatus is the status of a creation that meets an agent: 400, 409, or 200
	// with that agent; 0: 400.
	ExistsStatus int
	// ShowBuilds makes documents name the build of a deployment and leave its image
	// out, and not redact it. ShowWebsocketAuth makes them show websocketAuth,
	// DeprecatedReady leave ready out beside activeDeploymentReady. ErrorsAs is how they
	// show errors.
	ShowBuilds, ShowWebsocketAuth, DeprecatedReady bool
	ErrorsAs                                       ErrorsAs
	// AMD64 lets its regions run that architecture, too. SelfHosted says that they are an
	// organization's own, where an agent may have resources in place of a profile.
	AMD64, SelfHosted bool
	// SecretsAfter is how long a set that is written is pending, and SecretsError why it
	// then fails; empty: it does not.
	SecretsAfter time.Duration
	SecretsError string
	// Skew is how far its clock is ahead of ours.
	Skew time.Duration
	// Scripts are used besides those of Scripts, and before them, by an image's
	// tag or a build's Script. It must not change once the Cloud serves.
	Scripts map[string]Script
	// BuildScripts are used besides those of BuildScripts, and before them, as a
	// Dockerfile says. It must not change once the Cloud serves.
	BuildScripts map[string]BuildScript
	// Bucket is the address to which contexts are to be uploaded. Empty: the
	// Cloud's own, by the host that it was called by.
	Bucket string
	// UploadExpiry is for how long; zero: 15 minutes.
	UploadExpiry time.Duration
	// MaxContext is how many bytes a context may have in the bucket, and how many
	// unpacked; 0: 500 MiB.
	MaxContext int64
	// SkipUnpack makes the bucket read contexts without looking into them, for
	// measuring. Each then has every Dockerfile.
	SkipUnpack bool
	// Calls takes the calls of sessions. Nil: nobody does.
	Calls Calls
	// Busy is how many of the next calls find every instance busy. OldTakes is how many
	// an instance of the deployment before takes, where there is one.
	Busy, OldTakes int
	// TailLogs makes a build's log lose its beginning where it is longer than
	// what is asked for, and not its end.
	TailLogs bool

	once    sync.Once
	mux     *http.ServeMux
	mu      sync.Mutex
	agents  map[string]*agent
	builds  map[string]Build
	secrets map[string]SecretSet
	region  string // the organization's default; empty: the first
	reads   int    // of agents
	ids     int
	uploads map[string]*upload
	made    int // builds and uploads
}

// Build is a cloud build.
type Build struct {
	ID      string
	Region  string        // empty: us-west
	Status  string        // that it ends with; empty: success
	After   time.Duration // how long it is pending and building, from Created
	Created time.Time     // zero: when it is added
	Error   string        // its errorMessage when it failed
	Script  string        // how a deployment of it goes; empty: ok

	Hash       string // of its context; empty: a1b2c3d4e5f6a7b8
	Size       int64  // of its context; 0: 10 MiB
	Dockerfile string // within its context; empty: Dockerfile
	Log        string // comes line by line, from when it builds to its end; empty: as builds of its status do
	Never      bool   // it is pending for ever

	n int // in the order in which they were added
}

// SecretSet is a secret set, or an image pull secret set.
type SecretSet struct {
	Name    string
	Region  string // empty: us-west
	Pull    bool   // for pulling images
	Own     bool   // kept in the organization's own cluster, which the platform only refers to
	Status  string // that its provisioning ends with; empty: ready
	After   time.Duration
	Created time.Time         // zero: when it is added
	Error   string            // why it failed; empty: a text of the platform's
	Keys    []string          // its keys; nil: API_KEY
	Values  map[string]string // by key, of those that were written
}

// ErrorsAs is how a document shows errors; the zero value is a list.
type ErrorsAs int

// How documents show errors.
const (
	ErrorList ErrorsAs = iota
	ErrorObject
	ErrorText
)

func (as ErrorsAs) of(errs []pipecat.AgentError) any {
	switch as {
	case ErrorObject:
		return errs[0]
	case ErrorText:
		return errs[0].Message
	}
	return errs
}

// seen is what can be seen of errors that are shown so.
func (as ErrorsAs) seen(errs []pipecat.AgentError) []pipecat.AgentError {
	switch {
	case len(errs) == 0 || as == ErrorList:
		return errs
	case as == ErrorText:
		return []pipecat.AgentError{{Message: errs[0].Message}}
	}
	return errs[:1]
}

// AddAgent creates an agent that already serves the image, and returns the id
// of its deployment.
func (c *Cloud) AddAgent(name, region, image string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.agents == nil {
		c.agents = map[string]*agent{}
	}
	a := &agent{name: name, region: region, created: time.Now().Add(-24 * time.Hour), minAgents: 1, maxAgents: 10, cloud: c}
	c.agents[name] = a
	d := c.deploy(a, Manifest{Image: image, Profile: "agent-1x", NodeType: "arm", WebsocketAuth: "none"}, a.created)
	d.script, _ = ScriptOf("ok") // it serves already, whatever its tag
	return d.id
}

// SetScript is how the agent's deployment continues, by the time since it
// was made: that of AddAgent is a day old.
func (c *Cloud) SetScript(name string, s Script) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agents[name].newest().script = s
}

// SetErrors makes an agent's documents show errors beside those of a script.
func (c *Cloud) SetErrors(name string, errs ...pipecat.AgentError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agents[name].errors = errs
}

// AddBuild adds a build.
func (c *Cloud) AddBuild(b Build) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addBuild(b)
}

// AddSecretSet adds a secret set.
func (c *Cloud) AddSecretSet(s SecretSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.secrets == nil {
		c.secrets = map[string]SecretSet{}
	}
	s.Region, s.Status = cmp.Or(s.Region, Regions[0]), cmp.Or(s.Status, "ready")
	if s.Created.IsZero() {
		s.Created = time.Now()
	}
	c.secrets[s.Name] = s
}

// SecretSet is the set with the given name; the zero one when there is none.
func (c *Cloud) SecretSet(name string) SecretSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secrets[name]
}

// Deployments are the ids of an agent's deployments, the newest last.
func (c *Cloud) Deployments(name string) (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.agents[name]; a != nil {
		a.settle(c, time.Now())
		for _, d := range a.deployments {
			ids = append(ids, d.id)
		}
	}
	return ids
}

// Foreign are the ids of the deployments that Raced, Overtaken and scripts made.
func (c *Cloud) Foreign(name string) (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.agents[name]; a != nil {
		for _, d := range a.deployments {
			if d.foreign {
				ids = append(ids, d.id)
			}
		}
	}
	return ids
}

// Seen is what the last read of an agent showed.
func (c *Cloud) Seen(name string) Seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.agents[name]; a != nil {
		return a.seen
	}
	return Seen{}
}

// Serving is the id of an agent's newest deployment as far as reads show it, if
// that one takes calls; else it is empty.
func (c *Cloud) Serving(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[name]
	if a == nil {
		return ""
	}
	now := time.Now()
	a.settle(c, now)
	if a = a.shown(now.Add(-c.ReadLag)); a == nil {
		return ""
	}
	if newest := a.newest(); newest.frame(now).serves() {
		return newest.id
	}
	return ""
}

// Manifest is what the deployment with the given id is made of; the zero
// Manifest when there is no such deployment.
func (c *Cloud) Manifest(name, id string) Manifest {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.agents[name]; a != nil {
		for _, d := range a.deployments {
			if d.id == id {
				return d.manifest
			}
		}
	}
	return Manifest{}
}

// Scaling is how many replicas an agent has at least and at most; zero when there is
// no such agent.
func (c *Cloud) Scaling(name string) (least, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.agents[name]; a != nil {
		return a.minAgents, a.maxAgents
	}
	return 0, 0
}

// ServeHTTP answers as the platform's API does.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.once.Do(func() {
		c.mux = http.NewServeMux()
		for route, handle := range map[string]func(*http.Request) (any, *apiError){
			"GET /v1/agents":                         c.listAgents,
			"POST /v1/agents":                        c.createAgent,
			"GET /v1/agents/{name}":                  c.getAgent,
			"POST /v1/agents/{name}":                 c.updateAgent,
			"DELETE /v1/agents/{name}":               c.deleteAgent,
			"GET /v1/agents/{name}/logs":             c.getLogs,
			"GET /v1/agents/{name}/sessions":         c.listSessions,
			"GET /v1/agents/{name}/sessions/{id}":    c.getSession,
			"DELETE /v1/agents/{name}/sessions/{id}": c.deleteSession,
			"POST /v1/builds/upload-url":             c.uploadURL,
			"POST /v1/builds":                        c.createBuild,
			"GET /v1/builds":                         c.listBuilds,
			"GET /v1/builds/{id}":                    c.getBuild,
			"GET /v1/builds/{id}/logs":               c.getBuildLogs,
			"GET /v1/secrets":                        c.listSecretSets,
			"GET /v1/secrets/{set}":                  c.getSecretSet,
			"PUT /v1/secrets/{set}":                  c.putSecretSet,
			"DELETE /v1/secrets/{set}":               c.deleteSecretSet,
			"DELETE /v1/secrets/{set}/{key}":         c.deleteSecret,
			"GET /v1/properties":                     c.getProperties,
			"PATCH /v1/properties":                   c.patchProperties,
			"GET /v1/properties/schema":              c.getPropertiesSchema,
			"GET /v1/regions":                        c.getRegions,
			"POST /v1/public/{name}/start":           c.startSession,
		} {
			c.mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
				c.mu.Lock()
				answer, err := handle(r)
				c.mu.Unlock()
				c.reply(w, answer, err)
			})
		}
		c.serveOrganization()
		c.mux.HandleFunc("POST /v1/public/{name}/sessions/{id}/api/offer", c.offer)
		c.mux.HandleFunc("GET /ws/twilio", c.webSocket)
		c.mux.HandleFunc("GET /ws/generic/{service}", c.webSocket)
		c.mux.HandleFunc("GET /ws/generic/{service}/{token}", c.webSocket)
		c.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			c.reply(w, nil, &apiError{http.StatusNotFound, "NOT_FOUND", "Not found"})
		})
	})
	if IsUpload(r) {
		c.bucket(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/ws/") { // which takes the token of a session, if any
		c.mux.ServeHTTP(w, r)
		return
	}
	key, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	right, public := c.Key, strings.HasPrefix(r.URL.Path, "/v1/public/")
	if public {
		right = c.PublicKey
	}
	if !isBearer || key == "" || strings.HasPrefix(key, "pk_") != public || right != "" && key != right {
		c.reply(w, nil, &apiError{http.StatusUnauthorized, "UNAUTHORIZED", "Unauthorized"})
		return
	}
	c.mux.ServeHTTP(w, r)
}

// object is a JSON object, nulls and all.
type object = map[string]any

// apiError is the platform's ErrorResponse.
type apiError struct {
	status        int
	code, message string
}

func badRequest(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "GENERIC_BAD_REQUEST", fmt.Sprintf(format, args...)}
}

func notFound(message string) *apiError {
	return &apiError{http.StatusNotFound, "NOT_FOUND", message}
}

func (c *Cloud) reply(w http.ResponseWriter, answer any, err *apiError) {
	status := http.StatusOK
	switch is := answer.(type) {
	case created:
		status, answer = http.StatusCreated, is.object
	case accepted:
		status, answer = http.StatusAccepted, is.object
	}
	if err != nil {
		status, answer = err.status, object{"error": err.message, "code": err.code}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", time.Now().Add(c.Skew).UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (c *Cloud) getRegions(*http.Request) (any, *apiError) {
	var regions []object
	for _, code := range Regions {
		regions = append(regions, object{"code": code, "display_name": "Region " + code,
			"supported_architectures": c.architectures(), "default_architecture": "arm64"})
	}
	return object{"regions": regions}, nil
}

// architectures are those that a region runs.
func (c *Cloud) architectures() []string {
	if c.AMD64 {
		return []string{"arm64", "amd64"}
	}
	return []string{"arm64"}
}

// newID makes the same UUIDs in the same order each time.
func (c *Cloud) newID() string {
	c.ids++
	h := sha256.Sum256(fmt.Appendf(nil, "id %d", c.ids))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func knownRegion(region string) bool { return slices.Contains(Regions, region) }

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// orNull is s, or JSON's null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
