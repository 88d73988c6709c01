// SPDX-License-Identifier: Apache-2.0
// Words that everyone knows, from SCOWL's list of the most common ones (http://wordlist.aspell.net), which asks for
// this: Copyright 2000-2018 by Kevin Atkinson. Permission to use, copy, modify, distribute and sell these word lists,
// the associated scripts, the output created from the scripts, and its documentation for any purpose is hereby granted
// without fee, provided that the above copyright notice appears in all copies and that both that copyright notice and
// this permission notice appear in supporting documentation. Kevin Atkinson makes no representations about the
// suitability of this array for any purpose. It is provided "as is" without express or implied warranty.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "pipeline/english.hpp"
#include "pipeline/word_set.hpp"

namespace alluvium::pipeline::english {
namespace {

/// Five letters and more; not those of which two letters can be swapped to make another word, nor inflections.
constexpr std::string_view common =
    " abilities ability about above absence absolute abuse academic accept acceptable access accessible accident "
    "accidental accord account accuracy accurate achieve acquire across acted acting action active activities "
    "activity actual added adding addition additional address adequate adjust administration admit adopt advance "
    "advantage advertise advice advise affair affect afford afraid after afternoon afterward again against agency "
    "agree agreement ahead aimed aiming alarm album algorithm alive allow almost alone along already alter alternate "
    "alternative although altogether always ambiguous among amount amuse analog analogue analysis ancient angry "
    "animal announce announcement annoy annual anonymous another answer anybody anyone anyplace anything anyway "
    "anywhere apart apologies apologize apology apparent appeal appear appearance application applied applies apply "
    "appreciate approach appropriate approval approve arbitrary areas argue argument arises arithmetic around arrange "
    "arrangement arrive article artificial artist aside asked asking asleep aspect assembler assembly assistant "
    "associate association assume assumption assure atmosphere attach attack attempt attend attention attitude "
    "attract attractive audience author authorities authority automatic automatically automobile autumn available "
    "average avoid awake aware awful awkward backed background backing backs backwards balance based bases basic "
    "basically basing battery bearing bears beautiful became because become before beforehand began begin begun "
    "behalf behave behavior behind being believe belong below benefit besides better betting between beyond bidding "
    "bigger biggest binary binding binds biology bites biting bitten bizarre black blame blank block board bodies "
    "books borne borrow bother bottle bottom bought bound boxes bracket branch brand breach break bridge brief bright "
    "bring broadcast broke broken brother brought brown bucket budget buffer build built bulletin buried buries "
    "burying business button buying bytes calculate calculation called calling calls campaign candidate cannot "
    "capable capacity capital captain cardboard cards careful carried carries carry cases cassette catalog catch "
    "categories category caught cause cease center central century certain chairman chance change channel chaos "
    "chapter character charge chars cheap cheapest check chemical child children chips choice choose chose chosen "
    "church circle circuit circulation circumstance citizen claim clarify class clean clear clearest clever clock "
    "close coded coding coffee collapse collect collection college color column combination combine comes coming "
    "command comment commercial commission commitment committee common communicate communication community company "
    "comparable comparatively compare comparison compatibility compatible competition compiler complain complaints "
    "complete complex complexity complicate component compose composition comprehensive compromise compulsory compute "
    "concept concern conclusion concrete condition conference confident confirm confuse confusion connect connection "
    "consequence consequently consider considerable considerably consideration consist consistency consistent "
    "constant constraint construct consumption contact contain content context continually continuation continue "
    "continuous contract contrary contrast contribute contribution control convenient convention conventional "
    "conversation convert convince copied copies copying corner correct correction corrupt costing costs could "
    "council count country county couple course court cover crash crazy creating creation creature credit crisis "
    "crisp critical criticism cross culture cumming curious current cursor customer cutting cycle daily damage danger "
    "dangerous database dated dates dating datum dealing deals dealt death debate decade decent decide decision "
    "declare decrease dedicate deduce deemed deeming deems deeply default defense define definite definition "
    "definitive degree delay delete deliberate deliver delivery demand democratic demonstrate demonstration "
    "department depend depth derive describe description design desirable desire desperate despite destroy detail "
    "detect determine develop development device devote dictionary differ difference different difficult difficulties "
    "difficulty digit digital dinner direct direction director directory dirty disadvantage disagree disappear "
    "disaster discipline discount discourage discover discs discuss discussion dislike display distance distant "
    "distinct distinction distinguish distribute distribution district disturb ditto divide division document "
    "documentation doing dollar domain doors double doubt doubtful dozen drastic drawing drawn draws dream drink "
    "drive driven dropped dropping drops drove dubious during dying earlier earliest early earth easier easiest "
    "easily eaten eating economic economy edited editing edition editor edits education educational effect effective "
    "efficient effort eight either elect election electric electronic element elevator elsewhere embarrass emergency "
    "emphasis employee empty enable encounter encourage ended ending enemy engineer enjoy enormous enough ensure "
    "enter entire entitle entity entrance entries entry environment equal equipment equivalent eraser error escape "
    "especially essential establish establishment estimate evened evening evens event eventually every everybody "
    "everyone everything everywhere evidence exact examine example excellent except exception excess excessive "
    "exchange exclude exclusive excuse execute exercise existed existence existing exists expand expansion expect "
    "expense expensive experience experiment experimental expert explain explanation explicit express expression "
    "extend extension extensive extent external extra extract extreme facilities facility factor facts failed failing "
    "fails failure fairly faith fallen falling falls false familiar family famous fancy farther farthest fashion "
    "faster fastest fatal father fault favor favorite feasible feature federal feedback feeding feeds feeling feels "
    "fewer fewest fields fight figure filing filled filling fills final financial finding finds finger finish finite "
    "firmly first fiscal fishes fitted fitting fixed fixes fixing flash flavor flexible flight float floor flown "
    "flying folks follow force foreign forever forget forgot forgotten formal format formed former forming forms "
    "forthcoming fortunately fortune found fourth fraction frame freedom freely french frequent fresh friend front "
    "fully function fundamental funds funny further furthest future gained gaining gains games garbage garden "
    "gasoline gather general generate generation genuine getting given gives giving glass global going goods gotten "
    "government governor gradually graduate grand grant graph graphic grateful grave greater greatest greatly green "
    "grind gross ground group growing grown grows growth guarantee guard guess guide habit handed handing handled "
    "handles handling hands handy hanged hanging hangs happen happily happy harder hardest hardly hardware harmful "
    "harmless having headed header heading heads health healthy heard hearing hears heavily heavy hello helped "
    "helpful helping helps hence hereby herself hidden hides hiding higher highest highly himself hints historical "
    "history hitting holding holds holes holiday honest hoped hopefully hopes hoping horrible horse hospital hotel "
    "house however human hundred hurry husband ideal ideas identical identify identity ignore illegal image "
    "imagination imagine immediate impact implement implication implied implies imply importance important impose "
    "impossible impression improve improvement inability inadequate inches incident incidentally incline include "
    "income incompatible incomplete inconsistent inconvenience incorrect increase indeed independent index indicate "
    "indication individual industrial industry inevitably inferior infinite influence inform information initial "
    "inner innocent input insert inside insist install instance instant instead institution instruction insurance "
    "integer integral intelligence intelligent intend intention interact interest interface internal international "
    "interpret interpretation interval intervention introduce introduction invalid invariably invent investigate "
    "invisible invitation invite involve irrelevant irritate isolate issue items itself joined joining joins joint "
    "judge judgment jumps justification justified justifies justify keeping keeps keyboard killed killing kills "
    "kindly kinds knock knowing knowledge known knows label labor laboratory lacked lacking lacks ladies landed "
    "landing lands language large largest lasts later latest latter layout leach leaded leader leading leads learn "
    "least leave lecture legal length lesser lesson letter letting level liable libraries library lifetime light "
    "liked likely likes likewise liking limit linear linked linking links listed listen listing lists literally "
    "literature little lived lives living loaded loading loads local location locked locking locks logged logging "
    "logic logical longer longest looked looking looks loose lorries lorry losing loudly lower lowest lucky lunch "
    "lying machine magic magnetic magnitude mainly maintain major majority makes making manage manipulation manner "
    "manual march marked market marking marks marriage marry massive master match material mathematical mathematics "
    "matter maximum maybe meaning meaningful meaningless means meant measure mechanic mechanism media medical medium "
    "meeting member membership memory mention merely merit message messy metal method middle midnight might miles "
    "military million minded minding minds minimal minimum minor minority mislead misled missed misses missing "
    "mistake mistaken mistook misunderstand misunderstood misuse mixed mixes mixing model modern modified modifies "
    "modify moment money monitor month moral morning mostly mother motion mouth moved movement moves movie moving "
    "multiple music myself mysterious naive named namely names naming nasty nation national natural nature naughty "
    "nearby nearer nearest nearly necessarily necessary necessity needed needing needs negative neither nervous "
    "network never nevertheless nicer nicest night nobody noise noisy nonsense normal north noted notes nothing "
    "notice notify noting novel nowadays nowhere number numbest numerical numerous object objection obscure "
    "observation observe obtain obvious occasion occasional occupied occupies occupy occur offer office official "
    "often older oldest omits omitted omitting opened opening opens operate operation operator opinion opportunities "
    "opportunity oppose opposite opposition option optional order ordinary organization organize origin original "
    "other otherwise ought ourselves outer output outside overall owing owner package packet pages painful paper "
    "paragraph parallel parent partial particular parties partly party passed passes passing patch patient pattern "
    "pause payed paying peace peculiar people perfectly performance perhaps period permanent permission permit person "
    "personal persuade petrol phase phenomenon philosophy phone phrase physical picked picking picks picture piece "
    "place plain plane planet planned planning plant plastic played playing plays pleasant please plenty plots pocket "
    "point pointless police policies policy political popular population position positive possibilities possibility "
    "possible possibly posted posting postmaster posts potential pound power powerful practical practice precise "
    "prefer preferable preferably preference preparation prepare presence present preserve president press pressure "
    "presumably presume pretty prevent price primary prime primitive principle print printout prior private probably "
    "problem procedure process processor produce product production professional program progress project promise "
    "prompt prone proof proper properties property proportion proposal propose prospect protect protection protest "
    "prove provide public publication publicity publish pulled pulling pulls punctuation puncture purchase purely "
    "purpose pushed pushes pushing putted putting putts qualified qualifies qualify quality quantities quantity "
    "quarter question queue quick quickest quietly quits quitting quote radio raise random range rapid rarely rates "
    "rather reach react reaction readable reader readily reading reads ready reality realize really reason reasonable "
    "reasonably recall receive recent reception recognition recognize recommend recommendation record recover reduce "
    "reduction redundant refer reference reflect reflection refuse regard regardless region register regret regular "
    "regulation reject relate relation relationship relative release relevance relevant reliable religion religious "
    "reluctant remain remark remember remind remote removal remove repair repeat replace replacement replied replies "
    "reply report represent representation representative reproduce request require requirement research reserve "
    "resident resolution resort resource respect respectively respond response responsibility responsible restart "
    "restore restrict result retain return reveal review rewrite ridding ridiculous right river rooms rough round "
    "route routine rubber rubbish rules rumor running sadly safely safer safest safety saint sales sample satisfied "
    "satisfies satisfy saved saves saving saying scale scene scheme school science scientific score scratch screen "
    "script search season second secondary secret secretary section secure security seeing seeking seeks seemed "
    "seeming seems select selection selling sells seminar sending sends senior sense sensible sensibly sensitive "
    "sentence separate sequence serial series serious serve service session setting settle seven several severe shall "
    "shame shape share sharp sheet shelf shell shift shoot shopped shopping shops short shortage shortest should "
    "showed showing shown shows shuts shutting sides sight signal significance significant similar simple simplest "
    "simply simultaneous since sincerely single sitting situation sizes skill sleep slight slower slowest slowly "
    "small smallest smile smooth social society software solely solid solution solve somebody somehow someone "
    "someplace something sometime somewhat somewhere sooner soonest sophisticate sorry sorted sorting sorts sought "
    "sound source south southern space spare speak special specific specifically specified specifies specify speech "
    "speed spell spend spent spirit spite splits splitting spoke spoken spots spotted spotting spread spring square "
    "stable staff stage stand standard start state statement station statistic statistical status stayed staying "
    "stays stick still stock stone stood stopped stopping stops storage store straight straightforward strange "
    "strategy stream street strength strict strike string strong struck structure stuck student studied studies study "
    "stuff stupid style subject submit subsequent subset substantial substitute subtle succeed success successful "
    "sudden suffer suffice sufficient sugar suggest suggestion suitable suitably suited suiting suits summary summer "
    "superior supervisor supplied supplies supply support suppose surely surface surprise survey survive suspect "
    "suspend suspicion switch symbol syntax system table taken takes taking talked talking talks tanks tapes target "
    "tasks taste taught teach technical technique technology tedious teeth telephone television telling tells "
    "temperature temporarily temporary tendency tends terminal terminology terms terribly tested testing tests thank "
    "their themselves theoretical theory thereby therefore thing think third thoroughly those though thought thousand "
    "threat threw through throughout throw thrown ticket tight timed times timing title together token tomorrow "
    "tonight tooth topic total touch toward trace track traditional traffic train transfer translate translation "
    "transport trapped trapping trash travel treat treatment trees trick trivial trouble truck truly trunk trust "
    "truth trying turned turning turns twelve twenty twice tying typed types typical typing ultimate unable "
    "unacceptable unaware uncertain unclear under undergraduate underneath understand understood unfortunate unhappy "
    "uniform unique units universal universities university unknown unless unlike unlimited unnecessarily unnecessary "
    "unpleasant unreasonable unsuitable until unusual unwanted update upper upset upwards usage useful useless users "
    "using usual utility utterly vacation vague valid validity valuable value variable variation varied varies "
    "variety various varying vastly vector version video views virtually virtue visible vision visit vital voice "
    "volume votes waited waiting walked walking walks walls wanted wanting wants warned warning warns waste watch "
    "water weapon wearing wears weather weekend weeks weight weird welcome western whatever whatsoever wheel whenever "
    "where whereas whereby wherever whether which while whilst white whoever whole whose widely wider widespread "
    "widest willed willing wills window winning winter wished wishes wishing withdraw within without woman women "
    "wonder wonderful wooden worded wording words worked worker working works world worried worries worry worse worst "
    "worthwhile worthy would write written wrong wrote years yellow yesterday young yours yourself ";

constexpr std::array endings{"s", "es", "ed", "d", "ing", "ly", "r", "er"};
/// No name ends so, or hardly any.
constexpr std::array endings_of_words{"ing", "ings", "tion", "tions", "ment", "ments", "ness", "able"};

bool is_listed(const std::string& word) {
  static const WordSet set{common};
  return set.has(word);
}

}  // namespace

bool is_common(std::string_view word) {
  const std::string text{word};
  if (is_listed(text)) {
    return true;
  }
  for (const std::string_view ending : endings) {
    if (!word.ends_with(ending)) {
      continue;
    }
    auto stem = text.substr(0, text.size() - ending.size());
    if (is_listed(stem) || is_listed(stem + "e")) {
      return true;
    }
    if (stem.size() > 1 && stem.back() == stem[stem.size() - 2]) {  // "planned"
      stem.pop_back();
      if (is_listed(stem)) {
        return true;
      }
    }
  }
  return std::ranges::any_of(endings_of_words, [word](std::string_view ending) {
    return word.size() > ending.size() + 2 && word.ends_with(ending);
  });
}

}  // namespace alluvium::pipeline::english
