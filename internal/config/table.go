package config

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"

	"pipecat-cloud-deploy/internal/pipecat"
)

// Input is one thing that a user can set: an input of the action, a flag of
// the same name, and perhaps a key of the config file.
type Input struct {
	Name     string
	Kind     Kind
	Default  string // what is meant when it is not set; empty: the agent keeps what it has
	Text     string // for action.yml, the README and -h
	Required bool
	Secret   bool   // never a flag, and never shown
	Variable string // of a Secret, by hand
	Change   bool   // an update sends it
	Retired  bool   // accepted, and ignored
	Key      string // in the config file, such as scaling.min_agents
	OldKey   string // the same as it was once called

	set func(*Config, string) error // nil: it is read elsewhere
}

// ActionDefault is the default that action.yml declares. The runner sends a
// declared default as if the user had set it, so what the config file may set,
// and the file's own name, have none.
func (in Input) ActionDefault() string {
	if in.Key != "" || in.Name == "config-file" {
		return ""
	}
	return in.Default
}

// Kind is what an input's value looks like.
type Kind string

const (
	text     Kind = "text"
	number   Kind = "number"
	boolean  Kind = "true|false"
	duration Kind = "duration" // seconds, or 10m
	list     Kind = "lines"
)

const (
	keyVariable = "PIPECAT_CLOUD_API_KEY"
	defaultFile = "pcc-deploy.toml"
	maxWait     = 24 * time.Hour
)

// Table lists every input, in the order in which users read them. It is the
// source of action.yml, the README's table, -h and the config file's keys.
func Table() []Input {
	return []Input{
		{Name: "api-key", Kind: text, Required: true, Secret: true, Variable: keyVariable,
			Text: "Private API key of Pipecat Cloud. By hand it is read from `" + keyVariable + "`, never from a flag."},
		{Name: "agent-name", Kind: text, Key: "agent_name",
			Text: "Name of the agent. Required here or in the config file.",
			set:  into(func(c *Config) *string { return &c.AgentName }, agentName)},
		{Name: "image", Kind: text, Key: "image", Change: true,
			Text: "Image to deploy, with a tag or a digest, such as `ghcr.io/acme/bot:v1.2.3`.",
			set:  into(func(c *Config) *string { return &c.Settings.Image }, image)},
		{Name: "build-id", Kind: text, Key: "build_id", Change: true,
			Text: "UUID of a cloud build to deploy instead of an image, or `latest`: the newest successful one in the agent's region. One that still runs is waited for.",
			set:  setBuildID},
		{Name: "cloud-build", Kind: boolean, Default: "false", Change: true,
			Text: "Pack `build-context`, build it in the cloud, and deploy the result. What was built before is not built again.",
			set:  into(func(c *Config) *bool { return &c.Build.FromSource }, yesOrNo)},
		{Name: "build-context", Kind: text, Default: ".", Key: "build.context_dir",
			Text: "Folder to build, in the workspace.",
			set:  into(func(c *Config) *string { return &c.Build.Context }, path)},
		{Name: "dockerfile", Kind: text, Default: "Dockerfile", Key: "build.dockerfile",
			Text: "Dockerfile, in the build context.",
			set:  into(func(c *Config) *string { return &c.Build.Dockerfile }, path)},
		{Name: "build-exclude", Kind: list, Key: "build.exclude.patterns",
			Text: "What the build is not to have, on top of `.dockerignore` and in its syntax, a pattern a line.",
			set:  into(func(c *Config) *[]string { return &c.Build.Exclude }, func(s string) ([]string, error) { return []string{s}, nil })},
		{Name: "build-timeout", Kind: duration, Default: "600",
			Text: "How long the upload and the build may take: seconds, or a duration such as `10m`.",
			set:  into(func(c *Config) *time.Duration { return &c.Build.Timeout }, between(time.Second, maxWait))},
		{Name: "image-credentials", Kind: text, Key: "image_credentials", Change: true,
			Text: "Name of the image pull secret set for a private registry.",
			set:  into(func(c *Config) *string { return &c.Settings.ImagePullSecretSet }, setName)},
		{Name: "secret-set", Kind: text, Key: "secret_set", Change: true,
			Text: "Name of the secret set that becomes the agent's environment.",
			set:  into(func(c *Config) *string { return &c.Settings.SecretSet }, setName)},
		{Name: "secrets", Kind: list, Secret: true, Variable: secretsVariable,
			Text: "Secrets to put into `secret-set` before the update: `NAME=value` lines, as in a `.env` file. A missing set is created, other secrets of it stay. Each line of a value is masked, unless it has fewer than four characters. Implies `force-redeploy`, because new values reach an agent by a new deployment alone. By hand they are read from `" + secretsVariable + "`, never from a flag."},
		{Name: "region", Kind: text, Key: "region",
			Text: "Region to create the agent in. An agent that exists must be in it already.",
			set:  into(func(c *Config) *string { return &c.Region }, region)},
		{Name: "min-agents", Kind: number, Key: "scaling.min_agents", OldKey: "scaling.min_instances", Change: true,
			Text: "Agents kept warm, from 0.",
			set:  into(func(c *Config) **int { return &scaling(c).MinAgents }, atLeast(0))},
		{Name: "max-agents", Kind: number, Key: "scaling.max_agents", OldKey: "scaling.max_instances", Change: true,
			Text: "Agents at the most, from 1.",
			set:  into(func(c *Config) **int { return &scaling(c).MaxAgents }, atLeast(1))},
		{Name: "agent-profile", Kind: text, Key: "agent_profile", Change: true,
			Text: "Size of an agent: `agent-1x`, `agent-2x` or `agent-3x`.",
			set:  into(func(c *Config) *string { return &c.Settings.AgentProfile }, word)},
		{Name: "krisp-viva-audio-filter", Kind: text, Key: "krisp_viva.audio_filter", Change: true,
			Text: "Krisp VIVA noise filter: `tel`, `pro`, or `none` to turn it off.",
			set:  into(func(c *Config) **pipecat.KrispViva { return &c.Settings.KrispViva }, audioFilter)},
		{Name: "max-session-duration", Kind: duration, Key: "max_session_duration", Change: true,
			Text: "Longest session: 60 to 14400 seconds, or a duration such as `2h`.",
			set:  into(func(c *Config) *int { return &c.Settings.MaxSessionDuration }, sessionSeconds)},
		{Name: "websocket-auth", Kind: text, Key: "websocket_auth", Change: true,
			Text: "How WebSocket sessions are authorized: `none` or `token`.",
			set:  into(func(c *Config) *string { return &c.Settings.WebsocketAuth }, oneOf("none", "token"))},
		{Name: "node-type", Kind: text, Change: true,
			Text: "Kind of machine: `arm`, the only one there is.",
			set:  into(func(c *Config) *string { return &c.Settings.NodeType }, oneOf("arm"))},
		{Name: "force-redeploy", Kind: boolean, Default: "false", Change: true,
			Text: "Make a new deployment even when nothing changed: for a tag that moved, or new values in a secret set.",
			set:  into(func(c *Config) *bool { return &c.ForceRedeploy }, yesOrNo)},
		{Name: "create-if-missing", Kind: boolean, Default: "true",
			Text: "Create the agent when it does not exist.",
			set:  into(func(c *Config) *bool { return &c.CreateIfMissing }, yesOrNo)},
		{Name: "config-file", Kind: text, Default: defaultFile,
			Text: "Config file of the platform's CLI, read when it is there. An input wins over it. One that is named must exist."},
		{Name: "dry-run", Kind: boolean, Default: "false",
			Text: "Show what would change, and send nothing.",
			set:  into(func(c *Config) *bool { return &c.DryRun }, yesOrNo)},
		{Name: "wait-for-ready", Kind: boolean, Default: "true",
			Text: "Wait until the new revision serves. `false` returns once the update is taken.",
			set:  into(func(c *Config) *bool { return &c.WaitForReady }, yesOrNo)},
		{Name: "wait-for", Kind: text, Default: "ready",
			Text: "What to wait for: `ready`, or `warm`: as many replicas ready as `min-agents` says, so that no caller meets a cold start.",
			set:  into(func(c *Config) *string { return &c.WaitFor }, oneOf("ready", "warm"))},
		{Name: "wait-timeout", Kind: duration, Default: "600",
			Text: "How long the update and its rollout may take: seconds, or a duration such as `10m`.",
			set:  into(func(c *Config) *time.Duration { return &c.WaitTimeout }, between(time.Second, maxWait))},
		{Name: "max-restarts", Kind: number, Default: "2",
			Text: "Restarts of the new revision that are forgiven, per replica. A crash loop that shows at two looks in a row is not.",
			set:  into(func(c *Config) *int { return &c.MaxRestarts }, fromZero)},
		{Name: "min-ready-seconds", Kind: duration, Default: "0",
			Text: "How long the new revision must stay ready before it counts.",
			set:  into(func(c *Config) *time.Duration { return &c.MinReady }, between(0, maxWait))},
		{Name: "rollback-on-failure", Kind: boolean, Default: "false",
			Text: "When the new revision fails, put back what the update changed, wait for that up to `wait-timeout` again, and still fail.",
			set:  into(func(c *Config) *bool { return &c.RollbackOnFailure }, yesOrNo)},
		{Name: "log-lines", Kind: number, Default: "50",
			Text: "Lines of the agent's or the build's log that a failure shows; `0` for none.",
			set:  into(func(c *Config) *int { return &c.LogLines }, fromZero)},
		{Name: "api-url", Kind: text, Default: "https://api.pipecat.daily.co",
			Text: "Address of the API, with or without `/v1`: https, or a loopback host.",
			set:  into(func(c *Config) **url.URL { return &c.APIURL }, apiURL)},
		{Name: "enable-managed-keys", Kind: boolean, Retired: true,
			Text: "Accepted and ignored, with a warning: the platform has retired it.",
			set:  into(func(*Config) *bool { return new(bool) }, yesOrNo)},
	}
}

// into makes a setter of a field and of what reads its value.
func into[T any](field func(*Config) *T, read func(string) (T, error)) func(*Config, string) error {
	return func(c *Config, s string) error {
		v, err := read(s)
		if err == nil {
			*field(c) = v
		}
		return err
	}
}

// scaling are the bounds of c's agents, for setters only: a Config without bounds
// gets empty ones.
func scaling(c *Config) *pipecat.AutoScaling {
	if c.Settings.AutoScaling == nil {
		c.Settings.AutoScaling = &pipecat.AutoScaling{}
	}
	return c.Settings.AutoScaling
}

func word(s string) (string, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s has a character that cannot be in it", quote(s))
	}
	return s, nil
}

// The patterns of names are the reference's.
var (
	agentPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])$`)
	setPattern   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	wordPattern  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	uuidPattern  = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)
)

func agentName(s string) (string, error) {
	if len(s) > 54 {
		return "", fmt.Errorf("%s has %d characters; at most 54 are allowed", quote(s), len(s))
	}
	if !agentPattern.MatchString(s) {
		return "", fmt.Errorf("%s is not an agent's name; use at least two of a-z, 0-9 and -, with no - at either end", quote(s))
	}
	return s, nil
}

func setName(s string) (string, error) {
	if len(s) < 3 || len(s) > 63 || !setPattern.MatchString(s) {
		return "", fmt.Errorf("%s is not a set's name; use 3 to 63 of a-z, 0-9, - and dots, beginning and ending with a letter or a digit", quote(s))
	}
	return s, nil
}

func region(s string) (string, error) {
	if !wordPattern.MatchString(s) {
		return "", fmt.Errorf("%s is not a region; there are us-west, us-east, eu-central and ap-south", quote(s))
	}
	return s, nil
}

func path(s string) (string, error) {
	if strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("%s has a character that cannot be in it", quote(s))
	}
	return s, nil
}

// latest is the build-id of the newest successful build in the agent's region.
const latest = "latest"

func setBuildID(c *Config, s string) error {
	switch {
	case s == latest:
		c.Build.Latest = true
	case uuidPattern.MatchString(s):
		c.Settings.BuildID = s
	default:
		return fmt.Errorf("%s is not a build's id, which is a UUID such as 123e4567-e89b-12d3-a456-426614174000, or latest", quote(s))
	}
	return nil
}

func image(s string) (string, error) {
	ref, err := reference.Parse(s)
	if errors.Is(err, reference.ErrNameContainsUppercase) {
		return "", fmt.Errorf("%s has an upper case letter in its name, which no registry takes; did you mean %s?", quote(s), quote(lowerName(s)))
	}
	if err != nil {
		return "", fmt.Errorf("%s is not an image: %v; write it as ghcr.io/acme/bot:v1.2.3", quote(s), err)
	}
	_, tagged := ref.(reference.Tagged)
	_, digested := ref.(reference.Digested)
	if !tagged && !digested {
		return "", fmt.Errorf("%s has no tag; write %s or give a digest", quote(s), quote(s+":v1.2.3"))
	}
	return s, nil
}

// lowerName is an image's reference with its name in lower case, and its tag
// and digest as they are.
func lowerName(s string) string {
	end := len(s)
	if i := strings.IndexByte(s, '@'); i >= 0 {
		end = i
	}
	if i := strings.LastIndexByte(s[:end], ':'); i > strings.LastIndexByte(s, '/') {
		end = i
	}
	return strings.ToLower(s[:end]) + s[end:]
}

func oneOf(choices ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(choices, s) {
			return "", fmt.Errorf("%s is not possible; use %s", quote(s), strings.Join(choices, ", "))
		}
		return s, nil
	}
}

// audioFilter reads a noise filter's name. A filter without a name is off.
func audioFilter(s string) (*pipecat.KrispViva, error) {
	name, err := oneOf("tel", "pro", "none")(s)
	switch {
	case err != nil:
		return nil, err
	case name == "none":
		return &pipecat.KrispViva{}, nil
	}
	return &pipecat.KrispViva{AudioFilter: &name}, nil
}

func sessionSeconds(s string) (int, error) {
	d, err := between(time.Minute, 4*time.Hour)(s)
	return int(d.Seconds()), err
}

func atLeast(least int) func(string) (*int, error) {
	return func(s string) (*int, error) {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || int(n) < least {
			return nil, fmt.Errorf("%s is not a whole number from %d to %d", quote(s), least, math.MaxInt32)
		}
		i := int(n)
		return &i, nil
	}
}

func fromZero(s string) (int, error) {
	n, err := atLeast(0)(s)
	if err != nil {
		return 0, err
	}
	return *n, nil
}

// yesOrNo takes the booleans of YAML 1.2's core schema, as the runner does.
func yesOrNo(s string) (bool, error) {
	switch s {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, fmt.Errorf("%s is neither true nor false", quote(s))
}

func between(least, most time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if _, notSeconds := strconv.ParseInt(s, 10, 64); notSeconds == nil {
			d, err = time.ParseDuration(s + "s")
		}
		if err != nil {
			return 0, fmt.Errorf("%s is not a duration; give seconds, or a duration such as 10m", quote(s))
		}
		if d < least || d > most || d%time.Second != 0 {
			return 0, fmt.Errorf("%s is out of range; give whole seconds from %d to %d", quote(s), int(least.Seconds()), int(most.Seconds()))
		}
		return d, nil
	}
}

// apiURL reads the API's address. None of its texts shows what was given: it
// may hold a password.
func apiURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("it is not an address such as https://api.pipecat.daily.co")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("it has a user, a query or a fragment; give the bare address, such as https://api.pipecat.daily.co")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !pipecat.IsLoopback(u.Hostname())) {
		return nil, fmt.Errorf("%s://%s would send the key in the clear; use https (http is for loopback hosts only)", u.Scheme, u.Host)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(u.Path, "/v1") {
		u.Path += "/v1"
	}
	u.RawPath = ""
	return u, nil
}

// quote shows a value in a message: in quotes, on one line, and not too long.
func quote(s string) string {
	if len(s) > 200 {
		return strconv.Quote(s[:200]) + "…"
	}
	return strconv.Quote(s)
}
