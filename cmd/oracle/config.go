package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/gha"
)

// Reading is what a config file says, by the names that the platform's CLI has for it.
// What is absent is not asked for.
type Reading struct {
	Refused []string       `json:"refused,omitempty"` // why; then there are no fields
	Fields  map[string]any `json:"fields,omitempty"`
}

// readAll reads the texts of config files, a JSON text each, and writes what they say.
// It writes each into the folder, and makes that the current one.
func readAll(dir string, r io.Reader, w io.Writer) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	texts, lines := json.NewDecoder(r), json.NewEncoder(w)
	for {
		var text string
		switch err := texts.Decode(&text); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		reading, err := readConfig(text)
		if err != nil {
			return err
		}
		if err := lines.Encode(reading); err != nil {
			return err
		}
	}
}

// readConfig is what the program makes of a config file in the current folder and no
// other input.
func readConfig(text string) (Reading, error) {
	if err := os.WriteFile("pcc-deploy.toml", []byte(text), 0o600); err != nil {
		return Reading{}, err
	}
	c, err := config.Load(nil, gha.Env{"INPUT_API-KEY": "sk_oracle"})
	if problems := (config.Problems)(nil); errors.As(err, &problems) {
		var reading Reading
		for _, p := range problems {
			reading.Refused = append(reading.Refused, p.String())
		}
		return reading, nil
	} else if err != nil {
		return Reading{}, err
	}
	return Reading{Fields: fields(c)}, nil
}

func fields(c config.Config) map[string]any {
	all := map[string]any{"builds": c.Build.FromSource, "context_dir": c.Build.Context, "dockerfile": c.Build.Dockerfile}
	set := func(name, value string) {
		if value != "" {
			all[name] = value
		}
	}
	set("agent_name", c.AgentName)
	set("region", c.Region)
	set("exclude", strings.Join(c.Build.Exclude, "\n"))
	if c.Build.Latest {
		set("build_id", "latest")
	}
	s := c.Settings
	set("image", s.Image)
	set("build_id", s.BuildID)
	set("image_credentials", s.ImagePullSecretSet)
	set("secret_set", s.SecretSet)
	set("agent_profile", s.AgentProfile)
	set("websocket_auth", s.WebsocketAuth)
	set("architecture", s.Architecture)
	if s.MaxSessionDuration != 0 {
		all["max_session_duration"] = s.MaxSessionDuration
	}
	if r := s.Resources; r != nil {
		set("cpu", r.CPU)
		set("memory", r.Memory)
	}
	if k := s.KrispViva; k != nil {
		all["audio_filter"] = "none"
		if k.AudioFilter != nil {
			all["audio_filter"] = *k.AudioFilter
		}
	}
	if scaling := s.AutoScaling; scaling != nil {
		if scaling.MinAgents != nil {
			all["min_agents"] = *scaling.MinAgents
		}
		if scaling.MaxAgents != nil {
			all["max_agents"] = *scaling.MaxAgents
		}
	}
	return all
}
