package config

import (
	"net/url"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// Input is one thing that a user can set: an input of the action, a flag of
// the same name, and perhaps a key of the config file.
type Input struct {
	Name     string
	Kind     Kind
	Default  string // what is meant when it is not set; empty: the agent keeps what it has
	Text     string // for action.yml, docs/inputs.md and -h
	Required bool
	Secret   bool   // never a flag, and never shown
	Change   bool   // an update sends it
	Retired  bool   // accepted, and ignored
	AliasOf  string // the input that it is another name of
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
	amount   Kind = "quantity" // a text, or a number, of the config file alone
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
// source of action.yml, docs/inputs.md, -h and the config file's keys.
func Table() []Input {
	return []Input{
		{Name: "api-key", Kind: text, Required: true, Secret: true,
			Text: "Private API key of Pipecat Cloud. By hand it is read from `" + keyVariable + "`, never from a flag."},
		{Name: "agent-name", Kind: text, Key: "agent_name",
			Text: "Name of the agent. Required here or in the config file.",
			set:  into(func(c *Config) *string { return &c.AgentName }, agentName)},
		{Name: "image", Kind: text, Key: "image", Change: true,
			Text: "Image to deploy, with a tag or a digest, such as `ghcr.io/acme/bot:v1.2.3`.",
			set:  into(func(c *Config) *string { return &c.Settings.Image }, image)},
		{Name: "build-id", Kind: text, Key: "build_id", Change: true,
			Text: "Id of a cloud build to deploy instead of an image, or `latest`: the newest successful one in the agent's region. One that still runs is waited for.",
			set:  setBuildID},
		{Name: "cloud-build", Kind: boolean, Change: true,
			Text: "`true` packs `build-context`, builds it in the cloud, and deploys the result; what was built before is not built again. `false` never builds. Not set: it builds when there is a config file that names neither image nor build, and no input does, as the platform's CLI does.",
			set:  into(func(c *Config) *bool { return &c.Build.FromSource }, yesOrNo)},
		{Name: "build-context", Kind: text, Default: ".", Key: "build.context_dir",
			Text: "Folder to build, in `working-directory`.",
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
			Text: "Name of the image pull secret set for a private registry. It goes with an image, never with a build.",
			set:  into(func(c *Config) *string { return &c.Settings.ImagePullSecretSet }, credentials)},
		{Name: "secret-set", Kind: text, Key: "secret_set", Change: true,
			Text: "Name of the secret set that becomes the agent's environment.",
			set:  into(func(c *Config) *string { return &c.Settings.SecretSet }, setName)},
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
		{Name: "krisp-viva", Kind: text, AliasOf: "krisp-viva-audio-filter",
			Text: "Another name of `krisp-viva-audio-filter`."},
		{Name: "architecture", Kind: text, Key: "architecture", Change: true,
			Text: "Kind of machine: `arm64` or `amd64`. The platform's own regions have `arm64` only.",
			set:  into(func(c *Config) *string { return &c.Settings.Architecture }, oneOf("arm64", "amd64"))},
		{Name: "node-type", Kind: text, Change: true,
			Text: "Old name of `architecture`: `arm` or `amd`.",
			set:  into(func(c *Config) *string { return &c.Settings.NodeType }, oneOf("arm", "amd"))},
		{Name: "force-redeploy", Kind: boolean, Default: "false", Change: true,
			Text: "Make a new deployment even when nothing changed: for a tag that moved, or new values in a secret set.",
			set:  into(func(c *Config) *bool { return &c.ForceRedeploy }, yesOrNo)},
		{Name: "create-if-missing", Kind: boolean, Default: "true",
			Text: "Create the agent when it does not exist.",
			set:  into(func(c *Config) *bool { return &c.CreateIfMissing }, yesOrNo)},
		{Name: "config-file", Kind: text, Default: defaultFile,
			Text: "Config file of the platform's CLI, in `working-directory`, read when it is there. An input wins over it. One that is named must exist; `none` reads none."},
		{Name: "working-directory", Kind: text, Default: ".",
			Text: "Folder of the workspace that `config-file` and `build-context` are in.",
			set:  into(func(c *Config) *string { return &c.WorkingDirectory }, path)},
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
