package pipecat

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// States that a build ends in. Before, it is pending or building.
const (
	BuildSuccess = "success"
	BuildFailed  = "failed"
	BuildTimeout = "timeout"
)

// buildRunning is the state of a build that the builder works on.
const buildRunning = "building"

// Build is a cloud build of an image.
type Build struct {
	ID                   string `json:"id"`
	OrganizationID       string `json:"organizationId"`
	Status               string `json:"status"`
	Region               string `json:"region"`
	ContextHash          string `json:"contextHash"`
	DockerfilePath       string `json:"dockerfilePath"`
	ImageURI             string `json:"imageUri"` // when it succeeded
	LogsURL              string `json:"logsUrl"`
	ErrorMessage         string `json:"errorMessage"` // when it failed; not ours
	ContextSizeBytes     Number `json:"contextSizeBytes"`
	ImageSizeBytes       Number `json:"imageSizeBytes"`
	BuildDurationSeconds Number `json:"buildDurationSeconds"`
	StartedAt            Time   `json:"startedAt"`
	CompletedAt          Time   `json:"completedAt"`
	CreatedAt            Time   `json:"createdAt"`
	UpdatedAt            Time   `json:"updatedAt"`
}

// IsRunning reports whether the builder works on it, so that its log grows. One that is
// pending, or of a status that is not known, may yet.
func (b *Build) IsRunning() bool { return b.Status == buildRunning }

// IsFailed reports whether it has ended without an image: it failed, or the platform
// gave it up.
func (b *Build) IsFailed() bool { return b.Status == BuildFailed || b.Status == BuildTimeout }

// IsOver reports whether it has ended, with an image or without one, so that its status
// stays as it is.
func (b *Build) IsOver() bool { return b.Status == BuildSuccess || b.IsFailed() }

// Number is a count that the platform sends, as a number or in a text; 0 when it
// is missing or cannot be read. Databases hand large ones out as texts.
type Number int64

// UnmarshalJSON rounds down, and never fails.
func (n *Number) UnmarshalJSON(data []byte) error {
	*n = 0
	if f, err := strconv.ParseFloat(string(bytes.Trim(data, `"`)), 64); err == nil && f > 0 && f < math.MaxInt64 {
		*n = Number(f)
	}
	return nil
}

type buildAnswer struct {
	Build *Build `json:"build"`
}

func (a *buildAnswer) validate() error {
	if a.Build == nil {
		return errors.New(`no "build" is in it`)
	}
	a.Build.Status = strings.ToLower(a.Build.Status)
	return nil
}

// States of a secret set: it can be deployed with, could not be provisioned, or is yet
// to be.
const (
	SecretReady   = "ready"
	SecretFailed  = "failed"
	SecretPending = "pending"
)

// PullSecretSet is the Type of an image pull secret set.
const PullSecretSet = "imagePullSecret"

// SecretValue is one secret that goes into a set. It prints without its value.
type SecretValue struct {
	Key   string `json:"secretKey"`
	Value string `json:"secretValue"`
}

func (v SecretValue) String() string   { return v.Key + "=***" }
func (v SecretValue) GoString() string { return v.String() }

// SecretSet is a secret set without its values.
type SecretSet struct {
	Name         string          `json:"name"` // in a list, and so is Type
	Type         string          `json:"type"`
	Region       string          `json:"region"`
	Status       string          `json:"status"`
	ErrorMessage string          `json:"errorMessage"` // when Status is failed; not ours
	Secrets      List[SecretKey] `json:"secrets"`
	Source       string          `json:"source"` // "" or Referenced
}

// Referenced is the Source of a set whose secrets are kept in the organization's own
// cluster, and are not the platform's to store.
const Referenced = "referenced"

// validate returns an error for a document that shows no secret set, as of a gateway.
func (s *SecretSet) validate() error {
	if s.Status == "" && s.Secrets == nil {
		return errors.New("it shows no secret set")
	}
	return nil
}

// IsFailed, IsPending and IsReady report what Status says, in any letter case.
func (s *SecretSet) IsFailed() bool  { return strings.EqualFold(s.Status, SecretFailed) }
func (s *SecretSet) IsPending() bool { return strings.EqualFold(s.Status, SecretPending) }
func (s *SecretSet) IsReady() bool   { return strings.EqualFold(s.Status, SecretReady) }

// SecretKey names one secret of a set.
type SecretKey struct {
	FieldName string `json:"fieldName"`
}

type putAnswer struct {
	Status string `json:"status"`
	Region string `json:"region"`
}

func (a *putAnswer) validate() error {
	if !strings.EqualFold(a.Status, "OK") {
		return fmt.Errorf("it does not say that the values are stored: its status is %.40q", a.Status)
	}
	return nil
}

// Properties are an organization's settings.
type Properties struct {
	DefaultRegion string `json:"defaultRegion"`
}

type propertiesAnswer struct {
	Properties *Properties `json:"properties"`
}

func (a *propertiesAnswer) validate() error {
	if a.Properties == nil {
		return errors.New(`no "properties" are in it`)
	}
	return nil
}
