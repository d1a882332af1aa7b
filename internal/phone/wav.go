package phone

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	maxRecording = 30 * time.Second
	maxWAV       = 2 << 20 // bytes
	convert      = "ffmpeg -i in.wav -ac 1 -ar 16000 -c:a pcm_s16le out.wav"
)

// Recording is what a caller says.
type Recording struct {
	Samples []int16 // mono
	Rate    int     // 8000 or 16000
}

// Length is how long it is.
func (r Recording) Length() time.Duration {
	return time.Duration(len(r.Samples)) * time.Second / time.Duration(r.Rate)
}

// ReadWAV reads a WAV file of 8 or 16 kHz, mono, 16 bits, of at most 30 seconds.
//
// It is read here, and not by a library, because that is all of the format that is
// needed: http://soundfile.sapp.org/doc/WaveFormat
func ReadWAV(from io.Reader) (Recording, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxWAV))
	switch {
	case err != nil:
		return Recording{}, err
	case len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE":
		return Recording{}, errors.New("it is not a WAV file; make one with: " + convert)
	}
	r, pcm, err := chunks(data[12:])
	if err != nil {
		return Recording{}, fmt.Errorf("%w; convert it with: %s", err, convert)
	}
	r.Samples = make([]int16, len(pcm)/2)
	_ = binary.Read(bytes.NewReader(pcm), binary.LittleEndian, r.Samples) // which has as many
	for len(r.Samples) > 0 && r.Samples[len(r.Samples)-1] == 0 {          // the caller is silent then anyway
		r.Samples = r.Samples[:len(r.Samples)-1]
	}
	switch {
	case len(r.Samples) == 0:
		return Recording{}, errors.New("it has no sound")
	case r.Length() > maxRecording:
		return Recording{}, fmt.Errorf("it is longer than %s; shorten it with: ffmpeg -i in.wav -t 10 out.wav", maxRecording)
	}
	return r, nil
}

// chunks finds the format and the samples among the chunks of a WAV file.
func chunks(data []byte) (r Recording, pcm []byte, err error) {
	for len(data) >= 8 {
		name, size := string(data[:4]), int(binary.LittleEndian.Uint32(data[4:]))
		data = data[8:]
		chunk := data[:min(size, len(data))]
		switch {
		case name == "fmt " && len(chunk) >= 16:
			field := binary.LittleEndian.Uint16
			encoding, channels, bits := field(chunk), field(chunk[2:]), field(chunk[14:])
			if encoding == 0xfffe && len(chunk) >= 26 { // extensible: the encoding comes later
				encoding = field(chunk[24:])
			}
			r.Rate = int(binary.LittleEndian.Uint32(chunk[4:]))
			if encoding != 1 || channels != 1 || bits != 16 || r.Rate != 8000 && r.Rate != 16000 {
				return r, nil, fmt.Errorf("it has encoding %d, %d channel(s), %d bits and %d Hz, instead of PCM (1), mono, 16 bits and 8000 or 16000 Hz", encoding, channels, bits, r.Rate)
			}
		case name == "data" && r.Rate != 0:
			return r, chunk, nil
		}
		data = data[min(size+size%2, len(data)):]
	}
	return r, nil, errors.New("the WAV file has no samples")
}
