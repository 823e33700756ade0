"""How each measure of a generator is shown: its name, what value is good, and where it comes from."""

import dataclasses

from dcgan.metrics import copying

NUM_LINE_POINTS = 21  # of 20 parts, the report's animation


@dataclasses.dataclass(frozen=True)
class Measure:
  """How a measure is shown.

  Attributes:
    label: str.
    good: str, what value is good.
    paper: str, where it comes from.
    form: str, its format, as in '.2f'.
  """

  label: str
  good: str
  paper: str
  form: str = '.2f'

  def text(self, value):
    """Returns a value as text; None is a dash."""
    return '–' if value is None else format(value, self.form).replace('%', ' %')


# In the order in which they are shown.
MEASURES = {
    'clean_rate': Measure('Clean faces', 'as many as of the photos', 'one face whose features are where and as the '
                          "photos' are (`wholeness`)", '.0%'),
    'found_rate': Measure('Faces anywhere', 'as many as of the photos', 'Face Mesh (Kartynnik et '
                          'al. 2019, arXiv:1907.06724)', '.0%'),
    'spread': Measure('Spread of expressions and turns',
                      '1: mouth, lids, gaze, brows and head go as far as in the photos',
                      '10th to 90th percentile of what Face Mesh measures, each ratio at most 1'),
    'likeness': Measure('Likeness by appearance', '0.5 and more: as near to the photos as these are to each other',
                        'local binary patterns and skin colour (Ahonen et al. 2006)'),
    'diversity': Measure('Diversity', '1: as varied as the photos; near 0 all samples are one picture',
                         'spread along the photos\' principal components (Pearson 1901)'),
    'geometry_distance': Measure('Geometry distance (poses and expressions)', 'near that of other photos; 0 is the '
                                 'same', 'Fréchet distance (Dowson and Landau 1982) of mesh points, in squared '
                                 'hundredths of the eyes\' distance', '.1f'),
    'sliced_wasserstein': Measure('Sliced Wasserstein distance', 'near that of held-out photos; less is better',
                                  'Karras et al. 2018, arXiv:1710.10196', '.1f'),
    'noise_texture': Measure('Noise texture', '1: fine structure as in the photos; less is blur, more is noise',
                             'the report\'s figure 8; Durall et al. 2020, arXiv:2003.01826'),
    'sharpness': Measure('Sharpness', '1: edges and small features as sharp as in the photos; less is blur',
                         'power of the highest octave beside that of the photos'),
    'grid': Measure('Grid of 2 or 4 px', 'as the photos: a few; tens and more are seen in plain colours',
                    'peaks of the spectrum of the mean picture (Odena et al. 2016, doi:10.23915/distill.00003)', '.1f'),
    'off': Measure('Pictures of the set at their places, off by', '0; 3 of a film and 9 of photos are good',
                   'mean absolute difference, in grey values', '.1f'),
    'found_off': Measure('Held-out pictures found in Z, off by', 'near what pictures of the set have',
                         'Creswell and Bharath 2018, arXiv:1611.05644, from the nearest places', '.1f'),
    'found_features': Measure('Features of those, off by', 'a few hundredths of the distance of the eyes',
                              'median of the mean distance of mesh points', '.1%'),
    'encoded_off': Measure('Held-out pictures where the encoder puts them, off by',
                           'near what pictures of the set have', 'mean absolute difference, in grey values', '.1f'),
    'encoded_features': Measure('Features of those, off by', 'under 6 % of the distance of the eyes',
                                'median of the mean distance of mesh points', '.1%'),
    'stair_step': Measure('Stair-step along lines in Z', '1: even movement; '
                          f'{NUM_LINE_POINTS - 1} is a single jump', 'largest over mean change'),
    'copying': Measure('Copying, C_T', f'about 0; under {copying.COPIES_BELOW:g} training pictures are copied',
                       'Meehan et al. 2020, arXiv:2004.05675', '+.1f'),
    'nearest': Measure('Distance to the nearest training picture', 'near that of held-out photos; 0 is a copy',
                       'median over samples, in grey values', '.1f'),
    'fid': Measure('FID', 'less is better; only beside others of as many pictures', 'Heusel et al. 2017, '
                   'arXiv:1706.08500', '.1f'),
    'kid': Measure('KID', '0; less is better', 'Bińkowski et al. 2018, arXiv:1801.01401', '.4f'),
}
