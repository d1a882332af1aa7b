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

	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/pipecat"
)

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
	buildPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,127}$`) // the reference says UUID, and the platform has shown others
)

func agentName(s string) (string, error) {
	if len(s) > 54 {
		return "", fmt.Errorf("%s has %d characters; at most 54 are allowed", quote(s), len(s))
	}
	if !agentPattern.MatchString(s) {
		problem := fmt.Sprintf("%s is not an agent's name; use at least two of a-z, 0-9 and -, with no - at either end", quote(s))
		if near := dashed(s); agentPattern.MatchString(near) && len(near) <= 54 {
			problem += fmt.Sprintf("; did you mean %s?", quote(near))
		}
		return "", errors.New(problem)
	}
	return s, nil
}

// dashed is a text in the letters that names have: what stands between words is a
// dash.
func dashed(s string) string {
	return strings.Trim(notInNames.ReplaceAllString(strings.ToLower(s), "-"), "-")
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// placeholder is what templates have where a name of one's own belongs.
var placeholder = regexp.MustCompile(`(?i)^(your[-_]|my[-_]?(docker)?hub[-_]user|<.*>)`)

func setName(s string) (string, error) {
	if placeholder.MatchString(s) {
		return "", fmt.Errorf("%s is the template's placeholder; name a set of your own, or remove it", quote(s))
	}
	if len(s) < 3 || len(s) > 63 || !setPattern.MatchString(s) {
		problem := fmt.Sprintf("%s is not a set's name; use 3 to 63 of a-z, 0-9, - and dots, beginning and ending with a letter or a digit", quote(s))
		if near := dashed(s); len(near) >= 3 && len(near) <= 63 && near != s {
			problem += fmt.Sprintf("; did you mean %s?", quote(near))
		}
		return "", errors.New(problem)
	}
	return s, nil
}

// credentials reads the name of an image pull secret set.
func credentials(s string) (string, error) {
	if placeholder.MatchString(s) {
		return "", fmt.Errorf("%s is the template's placeholder; remove the line if the image is public, or name your image pull secret set", quote(s))
	}
	return setName(s)
}

func region(s string) (string, error) {
	if !wordPattern.MatchString(s) {
		return "", fmt.Errorf("%s is not a region; there are %s", quote(s), strings.Join(pipecat.Regions, ", "))
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
	case buildPattern.MatchString(s):
		c.Settings.BuildID = s
	default:
		return fmt.Errorf("%s is not a build's id, such as 123e4567-e89b-12d3-a456-426614174000, nor latest", quote(s))
	}
	return nil
}

func image(s string) (string, error) {
	name, tag := cutTag(s)
	ref, err := reference.Parse(s)
	switch {
	case placeholder.MatchString(s) || placeholder.MatchString(s[strings.IndexByte(s, '/')+1:]):
		return "", fmt.Errorf("%s is the template's placeholder; name your own image, such as ghcr.io/acme/bot:v1.2.3", quote(s))
	case strings.Contains(s, "://"):
		return "", fmt.Errorf("%s is an address; an image's name has no %s before it", quote(s), s[:strings.Index(s, "://")+3])
	case strings.HasPrefix(tag, "refs/"):
		return "", fmt.Errorf("%s has %s for a tag; use github.ref_name, which is %s, in place of github.ref", quote(s), quote(tag), quote(tag[strings.LastIndexByte(tag, '/')+1:]))
	case strings.HasSuffix(s, ":"), strings.HasSuffix(s, "@"):
		return "", fmt.Errorf("%s has an empty tag: the expression behind it is empty in this run (github.ref_name is always set)", quote(s))
	case strings.Contains(tag, "/"):
		return "", fmt.Errorf("%s has %s for a tag, and a tag has no /; use github.sha, or replace the /", quote(s), quote(tag))
	case errors.Is(err, reference.ErrNameContainsUppercase):
		return "", fmt.Errorf("%s has an upper case letter in its name, which no registry accepts; did you mean %s? (a run step has the repository's name in lower case as %s)", quote(s), quote(strings.ToLower(name)+s[len(name):]), gha.LowerRepository)
	case err != nil:
		return "", fmt.Errorf("%s is not an image: %v; write it as ghcr.io/acme/bot:v1.2.3", quote(s), err)
	}
	_, tagged := ref.(reference.Tagged)
	_, digested := ref.(reference.Digested)
	if !tagged && !digested {
		return "", fmt.Errorf("%s has no tag; write %s or give a digest", quote(s), quote(s+":v1.2.3"))
	}
	return s, nil
}

// port is how a registry's begins behind its host.
var port = regexp.MustCompile(`^[0-9]+/`)

// cutTag is an image's name and tag, also of one that is not right. A digest is in
// neither.
func cutTag(s string) (name, tag string) {
	s, _, _ = strings.Cut(s, "@")
	for i := range s {
		if s[i] == ':' && (strings.Contains(s[:i], "/") || !port.MatchString(s[i+1:])) {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// moving reports whether an image's tag is one that people move to each version.
func moving(s string) bool {
	_, tag := cutTag(s)
	return !strings.Contains(s, "@") && slices.Contains([]string{"latest", "main", "master", "edge", "nightly", "dev", "develop", "stable", "prod", "production", "staging"}, strings.ToLower(tag))
}

func oneOf(choices ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(choices, s) {
			return "", fmt.Errorf("%s is not valid; use %s", quote(s), strings.Join(choices, ", "))
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
	if n, odd := strconv.Atoi(s); err != nil && odd == nil && n%1000 == 0 && n >= 60_000 && n <= 14_400_000 {
		return 0, fmt.Errorf("%s seconds are more than four hours; is that milliseconds? write %d", quote(s), n/1000)
	}
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
	switch strings.ToLower(s) {
	case "yes", "y", "on", "1":
		return false, fmt.Errorf("%s is neither true nor false; write true", quote(s))
	case "no", "n", "off", "0":
		return false, fmt.Errorf("%s is neither true nor false; write false", quote(s))
	}
	return false, fmt.Errorf("%s is neither true nor false", quote(s))
}

// inWords is a duration as people say it, such as 10 minutes.
var inWords = regexp.MustCompile(`(?i)^([0-9]+)\s*([smh])(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?)?$`)

func between(least, most time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if _, notSeconds := strconv.ParseInt(s, 10, 64); notSeconds == nil {
			d, err = time.ParseDuration(s + "s")
		}
		if err != nil {
			if m := inWords.FindStringSubmatch(s); m != nil {
				return 0, fmt.Errorf("%s is not a duration; did you mean %s?", quote(s), m[1]+strings.ToLower(m[2]))
			}
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
