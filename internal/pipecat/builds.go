package pipecat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	buildsPerPage   = 100 // builds of an answer; the API gives no more
	maxPages        = 20  // answers that are read where the newest are not in the first
	maxLogEntries   = 10000
	maxLogLines     = 100_000 // of a build's log, about: an entry may have several
	extraLogEntries = 500     // lines that are expected to be new at each poll
)

// BuildRequest is the body of a build's creation. The region must be the one
// that the upload was asked for.
type BuildRequest struct {
	UploadID       string `json:"uploadId"`
	Region         string `json:"region"`
	DockerfilePath string `json:"dockerfilePath,omitempty"` // within the context; empty: Dockerfile
}

// BuildFilter selects builds. What is empty selects all.
type BuildFilter struct {
	ContextHash    string
	Region         string
	Status         string
	DockerfilePath string
	Limit          int // the newest of them; 0: all that are read
}

func (f BuildFilter) selects(b Build) bool {
	is := func(asked, told string) bool { return asked == "" || asked == told }
	return is(f.ContextHash, b.ContextHash) && is(f.Region, b.Region) && is(f.Status, b.Status) && is(f.DockerfilePath, b.DockerfilePath)
}

type createdAnswer struct {
	buildAnswer
	ContextHash string `json:"contextHash"`
	Cached      bool   `json:"cached"`
}

func (a *createdAnswer) validate() error {
	if a.Build != nil && a.Build.ID == "" {
		return errors.New(`its "build" has no "id"`)
	}
	return a.buildAnswer.validate()
}

// CreateBuild builds what was uploaded, and sends its request once. Where the
// platform has built the same before, in the same region and from the same
// Dockerfile, that build is returned, and cached is true.
func (c *Client) CreateBuild(ctx context.Context, r BuildRequest) (b *Build, cached bool, err error) {
	var answer createdAnswer
	if err := c.post(ctx, r, &answer, "builds"); err != nil {
		return nil, false, err
	}
	if answer.Build.ContextHash == "" {
		answer.Build.ContextHash = answer.ContextHash
	}
	return answer.Build, answer.Cached, nil
}

type buildsAnswer struct {
	Builds *List[listedBuild] `json:"builds"`
	Total  Number             `json:"total"`
}

func (a *buildsAnswer) validate() error {
	if a.Builds == nil {
		return errors.New(`no "builds" are in it`)
	}
	return nil
}

// listedBuild is a build in a list, where an odd field costs no more than that
// field too.
type listedBuild struct{ Build }

// UnmarshalJSON never fails: see List.
func (b *listedBuild) UnmarshalJSON(data []byte) error {
	if decode(data, &b.Build) != nil {
		b.Build = Build{}
	}
	b.Status = strings.ToLower(b.Status)
	return nil
}

// Builds reads the builds that the filter selects, the newest first. The
// reference promises no order, so they are sorted here; where the API's own is
// another one, the newest are looked for in up to two thousand builds.
func (c *Client) Builds(ctx context.Context, f BuildFilter) ([]Build, error) {
	query := url.Values{"limit": {strconv.Itoa(buildsPerPage)}}
	for name, value := range map[string]string{"contextHash": f.ContextHash, "region": f.Region, "status": f.Status} {
		if value != "" {
			query.Set(name, value)
		}
	}
	newestFirst := func(a, b Build) int { return b.CreatedAt.Compare(a.CreatedAt.Time) }
	var builds []Build
	for page := range maxPages {
		if page > 0 {
			query.Set("offset", strconv.Itoa(page*buildsPerPage))
		}
		var answer buildsAnswer
		if err := c.query(ctx, &answer, query, "builds"); err != nil {
			return nil, err
		}
		for _, b := range *answer.Builds {
			builds = append(builds, b.Build)
		}
		if slices.IsSortedFunc(builds, newestFirst) || int(answer.Total) <= (page+1)*buildsPerPage {
			break
		}
	}
	// What a filter means is not left to the API: a build is deployed on it.
	builds = slices.DeleteFunc(builds, func(b Build) bool { return b.ID == "" || !f.selects(b) })
	slices.SortStableFunc(builds, newestFirst)
	if f.Limit > 0 {
		builds = builds[:min(f.Limit, len(builds))]
	}
	return builds, nil
}

type buildLogsAnswer struct {
	Logs buildLog `json:"logs"`
	Next string   `json:"nextToken"`
}

// maxBytes is more than a document needs: a log may be long.
func (a *buildLogsAnswer) maxBytes() int { return maxAnswer }

// buildLog is what a build printed, line by line.
type buildLog []string

// UnmarshalJSON never fails. It takes an entry for one line or several, as a text
// or as the message of an object; what is neither is shown as it came.
func (l *buildLog) UnmarshalJSON(data []byte) error {
	*l = nil
	entries := json.NewDecoder(bytes.NewReader(data))
	if t, err := entries.Token(); err != nil || t != json.Delim('[') {
		return nil
	}
	for n := 0; entries.More() && n < maxLogEntries && len(*l) < maxLogLines; n++ {
		var entry json.RawMessage
		if entries.Decode(&entry) != nil {
			return nil
		}
		var text string
		if json.Unmarshal(entry, &text) != nil {
			var object struct {
				Message *string `json:"message"`
				Log     *string `json:"log"`
			}
			switch _ = json.Unmarshal(entry, &object); {
			case object.Message != nil:
				text = *object.Message
			case object.Log != nil:
				text = *object.Log
			default:
				text = string(entry)
			}
		}
		*l = append(*l, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	}
	return nil
}

// BuildLogs reads what the build with the given id has printed, the oldest line
// first. The API gives at most limit entries, 1 to 10,000; more says that it has
// others. Which end of a longer log it gives is not promised.
func (c *Client) BuildLogs(ctx context.Context, id string, limit int) (lines []string, more bool, err error) {
	var answer buildLogsAnswer
	query := url.Values{"limit": {strconv.Itoa(min(max(1, limit), maxLogEntries))}}
	if err := c.query(ctx, &answer, query, "builds", id, "logs"); err != nil {
		return nil, false, err
	}
	return answer.Logs, answer.Next != "", nil
}

// LastBuildLogs reads the last n lines that a build has printed. It asks for all
// that one answer holds, so as to have the end whatever end the API gives.
func (c *Client) LastBuildLogs(ctx context.Context, id string, n int) ([]string, error) {
	lines, _, err := c.BuildLogs(ctx, id, maxLogEntries)
	return lines[len(lines)-min(max(0, n), len(lines)):], err
}

// NewBuildLogs reads what a running build has printed after the first lines, of
// which that many are seen already. It asks for some more than these: whichever
// end the API gives, none is missed or seen twice while no more than 500 come
// between two polls. After 10,000 lines there are no new ones.
func (c *Client) NewBuildLogs(ctx context.Context, id string, seen int) ([]string, error) {
	if seen >= maxLogEntries {
		return nil, nil
	}
	lines, _, err := c.BuildLogs(ctx, id, seen+extraLogEntries)
	return lines[min(seen, len(lines)):], err
}
