package config

import (
	"net/url"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// Input is one thing that a user can set: an input of the action, a flag of
// the same name, and perhaps a key of the config file.
type Input struct {
	Group    string // that it is the first of; "" for the same as the one before
	Name     string
	Kind     Kind
	Default  string // what is meant when it is not set; empty: the agent keeps what it has
	Text     string // for action.yml, docs/inputs.md and -h
	Required bool
	Secret   bool   // never a flag, and never shown
	Variable string // of a Secret, by hand
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
		{Group: "What to deploy", Name: "api-key", Kind: text, Required: true, Secret: true, Variable: keyVariable,
			Text: "Private API key of Pipecat Cloud. The command line reads it from `" + keyVariable + "`, never from a flag."},
		{Name: "agent-name", Kind: text, Key: "agent_name",
			Text: "Name of the agent. Required here or in the config file.",
			set:  into(func(c *Config) *string { return &c.AgentName }, agentName)},
		{Name: "image", Kind: text, Key: "image", Change: true,
			Text: "Image to deploy, with a tag or a digest, such as `ghcr.io/acme/bot:v1.2.3`.",
			set:  into(func(c *Config) *string { return &c.Settings.Image }, image)},
		{Name: "build-id", Kind: text, Key: "build_id", Change: true,
			Text: "ID of a cloud build to deploy, or `latest`: the newest successful build in the agent's region. A build that is still running is waited for.",
			set:  setBuildID},
		{Name: "cloud-build", Kind: boolean, Change: true,
			Text: "`true` builds `build-context` in the cloud and deploys the result; unchanged sources reuse the previous build. `false` never builds. If not set, it builds when the config file names neither an image nor a build and no input does, like the platform's CLI.",
			set:  into(func(c *Config) *bool { return &c.Build.FromSource }, yesOrNo)},
		{Name: "image-credentials", Kind: text, Key: "image_credentials", Change: true,
			Text: "Name of the image pull secret set for a private registry. Used with an image only, not with a build.",
			set:  into(func(c *Config) *string { return &c.Settings.ImagePullSecretSet }, credentials)},
		{Name: "config-file", Kind: text, Default: defaultFile,
			Text: "Config file of the platform's CLI, relative to `working-directory`; read if it exists. Inputs take precedence over it. A file that you name must exist. `none` reads no file."},
		{Name: "working-directory", Kind: text, Default: ".",
			Text: "Folder of the workspace that `config-file` and `build-context` are relative to.",
			set:  into(func(c *Config) *string { return &c.WorkingDirectory }, path)},
		{Group: "Cloud build", Name: "build-context", Kind: text, Default: ".", Key: "build.context_dir",
			Text: "Folder to build, relative to `working-directory`.",
			set:  into(func(c *Config) *string { return &c.Build.Context }, path)},
		{Name: "dockerfile", Kind: text, Default: "Dockerfile", Key: "build.dockerfile",
			Text: "Path of the Dockerfile, relative to the build context.",
			set:  into(func(c *Config) *string { return &c.Build.Dockerfile }, path)},
		{Name: "build-exclude", Kind: list, Key: "build.exclude.patterns",
			Text: "Extra files to exclude from the build, one `.dockerignore` pattern per line.",
			set:  into(func(c *Config) *[]string { return &c.Build.Exclude }, func(s string) ([]string, error) { return []string{s}, nil })},
		{Name: "build-timeout", Kind: duration, Default: "600",
			Text: "Time limit for the upload and the build: seconds, or a duration such as `10m`.",
			set:  into(func(c *Config) *time.Duration { return &c.Build.Timeout }, between(time.Second, maxWait))},
		{Group: "The agent", Name: "secret-set", Kind: text, Key: "secret_set", Change: true,
			Text: "Name of the secret set that becomes the agent's environment.",
			set:  into(func(c *Config) *string { return &c.Settings.SecretSet }, setName)},
		{Name: "secrets", Kind: list, Secret: true, Variable: secretsVariable,
			Text: "Secrets to put into `secret-set` before the update: `NAME=value` lines, as in a `.env` file. A missing set is created; other secrets in it stay. Each line of a value is masked, unless it has fewer than four characters. Implies `force-redeploy`, because only a new deployment gets new values. By hand they are read from `" + secretsVariable + "`, never from a flag."},
		{Name: "region", Kind: text, Key: "region",
			Text: "Region to create the agent in; if not set, the organization's default. An existing agent must already be in it.",
			set:  into(func(c *Config) *string { return &c.Region }, region)},
		{Name: "create-if-missing", Kind: boolean, Default: "true",
			Text: "Create the agent if it doesn't exist.",
			set:  into(func(c *Config) *bool { return &c.CreateIfMissing }, yesOrNo)},
		{Name: "min-agents", Kind: number, Key: "scaling.min_agents", OldKey: "scaling.min_instances", Change: true,
			Text: "Number of replicas kept warm (0 or more).",
			set:  into(func(c *Config) **int { return &scaling(c).MinAgents }, atLeast(0))},
		{Name: "max-agents", Kind: number, Key: "scaling.max_agents", OldKey: "scaling.max_instances", Change: true,
			Text: "Maximum number of replicas (1 or more).",
			set:  into(func(c *Config) **int { return &scaling(c).MaxAgents }, atLeast(1))},
		{Name: "agent-profile", Kind: text, Key: "agent_profile", Change: true,
			Text: "Size of a replica: `agent-1x`, `agent-2x` or `agent-3x`.",
			set:  into(func(c *Config) *string { return &c.Settings.AgentProfile }, word)},
		{Name: "krisp-viva-audio-filter", Kind: text, Key: "krisp_viva.audio_filter", Change: true,
			Text: "Krisp VIVA noise filter: `tel`, `pro`, or `none` to turn it off.",
			set:  into(func(c *Config) **pipecat.KrispViva { return &c.Settings.KrispViva }, audioFilter)},
		{Name: "krisp-viva", Kind: text, AliasOf: "krisp-viva-audio-filter",
			Text: "Another name of `krisp-viva-audio-filter`."},
		{Name: "max-session-duration", Kind: duration, Key: "max_session_duration", Change: true,
			Text: "Longest session: 60 to 14400 seconds, or a duration such as `2h`.",
			set:  into(func(c *Config) *int { return &c.Settings.MaxSessionDuration }, sessionSeconds)},
		{Name: "websocket-auth", Kind: text, Key: "websocket_auth", Change: true,
			Text: "How WebSocket sessions are authorized: `none` or `token`.",
			set:  into(func(c *Config) *string { return &c.Settings.WebsocketAuth }, oneOf("none", "token"))},
		{Name: "architecture", Kind: text, Key: "architecture", Change: true,
			Text: "CPU architecture: `arm64` or `amd64`. Pipecat Cloud's own regions support `arm64` only.",
			set:  into(func(c *Config) *string { return &c.Settings.Architecture }, oneOf("arm64", "amd64"))},
		{Name: "node-type", Kind: text, Change: true,
			Text: "Old name of `architecture`: `arm` or `amd`.",
			set:  into(func(c *Config) *string { return &c.Settings.NodeType }, oneOf("arm", "amd"))},
		{Group: "The rollout", Name: "dry-run", Kind: boolean, Default: "false",
			Text: "Show what would change, and send nothing.",
			set:  into(func(c *Config) *bool { return &c.DryRun }, yesOrNo)},
		{Name: "force-redeploy", Kind: boolean, Default: "false", Change: true,
			Text: "Deploy even if nothing changed: for a re-pushed tag, or new values in a secret set.",
			set:  into(func(c *Config) *bool { return &c.ForceRedeploy }, yesOrNo)},
		{Name: "wait-for-ready", Kind: boolean, Default: "true",
			Text: "Wait until the new version serves calls. With `false` the job ends once the update is accepted.",
			set:  into(func(c *Config) *bool { return &c.WaitForReady }, yesOrNo)},
		{Name: "wait-for", Kind: text, Default: "ready",
			Text: "What to wait for: `ready`, or `warm`, which needs as many ready replicas as `min-agents`, so that no caller meets a cold start.",
			set:  into(func(c *Config) *string { return &c.WaitFor }, oneOf("ready", "warm"))},
		{Name: "wait-timeout", Kind: duration, Default: "600",
			Text: "Time limit for the update and its rollout: seconds, or a duration such as `10m`.",
			set:  into(func(c *Config) *time.Duration { return &c.WaitTimeout }, between(time.Second, maxWait))},
		{Name: "max-restarts", Kind: number, Default: "2",
			Text: "Restarts allowed per replica before the deployment fails. A crash loop seen at two polls in a row always fails it.",
			set:  into(func(c *Config) *int { return &c.MaxRestarts }, fromZero)},
		{Name: "min-ready-seconds", Kind: duration, Default: "0",
			Text: "How long the new version must stay ready before the job is green: seconds, or a duration such as `1m`.",
			set:  into(func(c *Config) *time.Duration { return &c.MinReady }, between(0, maxWait))},
		{Name: "rollback-on-failure", Kind: boolean, Default: "false",
			Text: "If the new version fails, restore what the update changed, wait for that up to `wait-timeout` again, and still fail the job.",
			set:  into(func(c *Config) *bool { return &c.RollbackOnFailure }, yesOrNo)},
		{Group: "The test call", Name: "test-call", Kind: text, Default: NoCall,
			Text: "Call the agent once it is ready, and fail if it does not answer: `daily`, `webrtc`, `twilio` or `websocket`, whichever its bot speaks; `none` for no call.",
			set:  into(func(c *Config) *string { return &c.Call.Road }, oneOf(NoCall, pipecat.Daily, pipecat.WebRTC, pipecat.Twilio, pipecat.WebSocket))},
		{Name: "public-api-key", Kind: text, Secret: true, Variable: publicKeyVariable,
			Text: "Public API key, with which the test call's session is started. Not needed for `twilio` and `websocket` if the agent's `websocket-auth` is `none`. The command line reads it from `" + publicKeyVariable + "`, never from a flag."},
		{Name: "test-call-body", Kind: text, Default: `{"test_call": true}`,
			Text: "JSON object that the bot gets as its body.",
			set:  into(func(c *Config) *map[string]any { return &c.Call.Body }, object)},
		{Name: "test-call-timeout", Kind: duration, Default: "60",
			Text: "How long from the start of the call until the agent must be heard: seconds, or a duration such as `2m`.",
			set:  into(func(c *Config) *time.Duration { return &c.Call.Timeout }, between(5*time.Second, time.Hour))},
		{Name: "test-call-say", Kind: text,
			Text: "WAV file (8 or 16 kHz, mono) to play to the agent once it has spoken, or after 5 seconds of silence.",
			set:  into(func(c *Config) *string { return &c.Call.say }, path)},
		{Name: "max-answer-time", Kind: duration,
			Text: "Longest time from the connection to the agent's first sound: seconds, or a duration such as `1m`.",
			set:  into(func(c *Config) *time.Duration { return &c.Call.MaxAnswer }, between(time.Second, time.Hour))},
		{Name: "max-response-time", Kind: duration,
			Text: "Longest time from the end of `test-call-say` to the agent's answer: seconds, or a duration such as `1m`.",
			set:  into(func(c *Config) *time.Duration { return &c.Call.MaxResponse }, between(time.Second, time.Hour))},
		{Name: "check-only", Kind: boolean, Default: "false",
			Text: "Deploy nothing: check that the current deployment serves calls, and call it. For schedules.",
			set:  into(func(c *Config) *bool { return &c.CheckOnly }, yesOrNo)},
		{Name: "bake-time", Kind: duration, Default: "0",
			Text: "How long to watch the new version and its real sessions once it is ready and has answered: seconds, or a duration such as `10m`.",
			set:  into(func(c *Config) *time.Duration { return &c.BakeTime }, between(0, maxWait))},
		{Group: "The job", Name: "log-lines", Kind: number, Default: "50",
			Text: "Number of lines of the agent's or the build's log to show after a failure; `0` for none.",
			set:  into(func(c *Config) *int { return &c.LogLines }, fromZero)},
		{Name: "job-summary", Kind: text, Default: "always",
			Text: "When to write the job summary: `always`, `on-failure`, or `never`.",
			set:  into(func(c *Config) *string { return &c.JobSummary }, oneOf("always", "on-failure", "never"))},
		{Name: "api-url", Kind: text, Default: "https://api.pipecat.daily.co",
			Text: "Address of the API, with or without `/v1`: https, or http on a loopback host.",
			set:  into(func(c *Config) **url.URL { return &c.APIURL }, apiURL)},
		{Name: "enable-managed-keys", Kind: boolean, Retired: true,
			Text: "Ignored with a warning: Pipecat Cloud has retired managed keys.",
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
