// SPDX-License-Identifier: Apache-2.0
#include "pipeline/english.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "pipeline/word_set.hpp"

namespace alluvium::pipeline::english {
namespace {

using std::string_view_literals::operator""sv;

// Lists are one text each, a blank on both sides of every word.
constexpr std::string_view strong =
    " cannot dont didnt doesnt isnt wasnt couldnt wouldnt shouldnt havent youre gonna wanna gotta and are been could "
    "from his it like love my need our she should that the their there they this want were "
    "what with would you your ";
constexpr std::string_view weak =
    " hope so too just going live can all if out up when how who good time think a am an at be but by do for get got "
    "had has have he her i in is me not of on or to was we will ";
constexpr std::string_view before_is = " it that what he she there here who where how when why everything ";
constexpr std::string_view negations =
    " barely cannot hardly neither never no nobody non none nor not nothing nowhere rarely scarcely seldom without ";
constexpr std::string_view fillers = " actually basically definitely literally obviously really ";
constexpr std::string_view openers =
    " ah anyway btw fyi haha hahaha hello hey hi hmm lol oh ok okay please tbh uh um wow yeah yep yes yup ";
constexpr std::string_view closers = " actually btw fyi haha hahaha hehe lmao lol please tbh ";
constexpr std::string_view questions = " how what where which who whom whose why ";
constexpr std::string_view auxiliaries =
    " am are can could did do does had has have is may might must shall should was were will would ";
constexpr std::string_view pronouns = " he i it she that there they this we you ";
constexpr std::string_view past =
    " ate became began bought broke brought built came chose drove fell felt finished flew found gave got grew had "
    "heard knew left lost made met paid ran read said saw sent slept sold spent spoke started taught thought "
    "threw told took went won wore wrote ";
constexpr std::string_view clauses =
    " asked decided promised planned agreed wanted hoped offered refused learned expected arranged invited ordered "
    "reminded warned after although as because before hear heard if knew know said say says since so tell tells than "
    "that think "
    "though thought told unless until when whether which while who ";
constexpr std::string_view whens = " currently lately nowadays recently today tomorrow tonight yesterday ";
constexpr std::string_view other_times =
    " again ago already always daily earlier later monthly now often once sometimes soon still then usually weekly "
    "yearly ";
constexpr std::string_view pointers = " last next this ";
constexpr std::string_view weekdays = " friday monday saturday sunday thursday tuesday wednesday ";
constexpr std::string_view spans =
    " afternoon april august autumn day decade december evening fall february friday january july june march may "
    "monday month morning night november october quarter saturday september spring summer sunday thursday tuesday "
    "wednesday week weekend winter year ";
constexpr std::string_view protected_words =
    " aunt billion boyfriend brother child children colleague colleagues cousin coworker daughter dozen eighth "
    "family father fiance fiancee fifth first fourth friend friends girlfriend granddaughter grandfather "
    "grandmother grandson hours hundred husband million minutes months mother neighbor neighbour nephew niece "
    "ninth parent parents partner second seconds seventh sister sixth spouse tenth third thousand uncle weeks "
    "wife years ";

using Replacement = std::pair<std::string_view, std::string_view>;

constexpr auto replacements = [] {
  std::array table{
      Replacement{"arent", "are not"},
      Replacement{"automobile", "car"},
      Replacement{"began", "started"},
      Replacement{"begin", "start"},
      Replacement{"begins", "starts"},
      Replacement{"believe", "think"},
      Replacement{"believes", "thinks"},
      Replacement{"bike", "bicycle"},
      Replacement{"cannot", "can not"},
      Replacement{"cant", "can not"},
      Replacement{"couldnt", "could not"},
      Replacement{"dad", "father"},
      Replacement{"daddy", "father"},
      Replacement{"didnt", "did not"},
      Replacement{"doesnt", "does not"},
      Replacement{"dont", "do not"},
      Replacement{"eight", "8"},
      Replacement{"eighteen", "18"},
      Replacement{"eighty", "80"},
      Replacement{"eleven", "11"},
      Replacement{"fifteen", "15"},
      Replacement{"fifty", "50"},
      Replacement{"film", "movie"},
      Replacement{"films", "movies"},
      Replacement{"five", "5"},
      Replacement{"forty", "40"},
      Replacement{"four", "4"},
      Replacement{"fourteen", "14"},
      Replacement{"fridge", "refrigerator"},
      Replacement{"glad", "happy"},
      Replacement{"gonna", "going to"},
      Replacement{"grandma", "grandmother"},
      Replacement{"grandpa", "grandfather"},
      Replacement{"hadnt", "had not"},
      Replacement{"hasnt", "has not"},
      Replacement{"havent", "have not"},
      Replacement{"im", "i am"},
      Replacement{"isnt", "is not"},
      Replacement{"ive", "i have"},
      Replacement{"journey", "trip"},
      Replacement{"journeys", "trips"},
      Replacement{"kid", "child"},
      Replacement{"kids", "children"},
      Replacement{"large", "big"},
      Replacement{"locate", "find"},
      Replacement{"mom", "mother"},
      Replacement{"mommy", "mother"},
      Replacement{"mum", "mother"},
      Replacement{"mummy", "mother"},
      Replacement{"nine", "9"},
      Replacement{"nineteen", "19"},
      Replacement{"ninety", "90"},
      Replacement{"ok", "okay"},
      Replacement{"one", "1"},
      Replacement{"percent", "%"},
      Replacement{"physician", "doctor"},
      Replacement{"purchase", "buy"},
      Replacement{"purchased", "bought"},
      Replacement{"receive", "get"},
      Replacement{"received", "got"},
      Replacement{"receives", "gets"},
      Replacement{"seven", "7"},
      Replacement{"seventeen", "17"},
      Replacement{"seventy", "70"},
      Replacement{"shouldnt", "should not"},
      Replacement{"six", "6"},
      Replacement{"sixteen", "16"},
      Replacement{"sixty", "60"},
      Replacement{"sofa", "couch"},
      Replacement{"telephone", "phone"},
      Replacement{"ten", "10"},
      Replacement{"thats", "that is"},
      Replacement{"theyre", "they are"},
      Replacement{"theyve", "they have"},
      Replacement{"thirteen", "13"},
      Replacement{"thirty", "30"},
      Replacement{"three", "3"},
      Replacement{"till", "until"},
      Replacement{"tv", "television"},
      Replacement{"twelve", "12"},
      Replacement{"twenty", "20"},
      Replacement{"two", "2"},
      Replacement{"wanna", "want to"},
      Replacement{"wasnt", "was not"},
      Replacement{"werent", "were not"},
      Replacement{"weve", "we have"},
      Replacement{"whats", "what is"},
      Replacement{"wonderful", "great"},
      Replacement{"wont", "will not"},
      Replacement{"wouldnt", "would not"},
      Replacement{"youre", "you are"},
      Replacement{"youve", "you have"},
      Replacement{"zero", "0"},
  };
  std::ranges::sort(table);
  return table;
}();

constexpr std::array irregular{Replacement{"ain't", "am not"},    Replacement{"can't", "can not"},
                               Replacement{"let's", "let us"},    Replacement{"shan't", "shall not"},
                               Replacement{"won't", "will not"},  Replacement{"y'all", "you all"},
                               Replacement{"o'clock", "o'clock"}, Replacement{"ma'am", "ma'am"}};

constexpr std::array aside_phrases{"just so you know"sv, "as i said"sv,    "like i said"sv,
                                   "by the way"sv,       "to be honest"sv, "you know"sv};

/// Words of five letters and more of which two neighbours (not the first) can be swapped to make another word.
/// Counted out on a list of 130,000 words and names.
constexpr std::string_view twins =
    " accouter accouterment accouterments accouters accoutre accoutrement accoutrements accoutres acred adler agron "
    "ailment ailments aires albino albion alboin alder algin algins alias alien aliens align aligns aliment aliments "
    "aline alines alisa amiens amines amino amnio amphitheater amphitheaters amphitheatre amphitheatres angel angels "
    "angle angles appel apple arced argon aries arise arleen arlene armoires armories avior avoir baals badly bahai "
    "bahia bahts balas balded balding baldy balsa barde bards bared barely barer bares barked barking barley barque "
    "barre basel basest basis basle basset bassi baths beams beast beats bedlam bedlams beira belated beldam beldams "
    "bemas berar beria berra betas bladed blading blankest blankets blast blats bleated blots blouses blubs bluest "
    "bluets boast boats boers bolts boluses boost boots bores brads braes brain braked braking brandeis brandies "
    "braque bread breda brede breed breughel brian briskest briskets bruch brueghel bruin bruins brunet brunt brusa "
    "bryon bugle bugled bugles bugling bulbs bulge bulged bulges bulging burch burin burins burnet burnt bursa "
    "bushier bushire busra byers byres byron calms calque calques calve cambrai cambria cameos camoes candide candied "
    "canst cants capri carbs cares caret carets carlo carlos carly carnage carne carol carols carpi carps carse carte "
    "carted carter carters cartes carting carton carve carved carven carves carving carvings caryl castor castro "
    "casual casually causal causally centering centreing ceram cerate cerated cerates cered ceres ceruse cervices "
    "chagres chain chair charges chari charters chartres chian china christian christina clams claps claque claques "
    "clarino clarion clasp clave clods closest closets clots clutch coals coast coats codes coeds colas colds collide "
    "collied colts comet compiled compiles complaint compliant complied complies comte concerted concerting "
    "concertize concertized concertizes concertizing concreted concreting concretize concretized concretizes "
    "concretizing conservatoires conservatories consign consing copes copse cores cornus corny coroner coroners corps "
    "corse corydon coset coste crabs cranage crane craps crate crated crater craters crates crating craton crave "
    "craved craven craves craving cravings cream create created creates creed creep creeps creepy crees crepe crepes "
    "crepey creuse crevices cronus crony crooner crooners crops croydon cruet cruets cruse cruses crust cubist cubits "
    "cultch cures curet curets curse curses curst cutesy cuteys daimon dairen dairies dairy damion darien darin debar "
    "debra denies denise diaries diary didoes diodes direr direst discreet discreetly discreetness discrete "
    "discretely discreteness drain drier driest eager eagre elector electro elias elisa elise elsie enisle ensile "
    "exist exits falcon faltboat farmed farmer farmers farming farmings farts fealty feast featly feats fiedler fiefs "
    "field fielder fiend fifes filed filer filers files fined finely finley fired firer firers fires firth flacon "
    "flatboat flied flier fliers flies flour flours fluor fluors fordo forth forward forwardly forwardness framed "
    "framer framers framing framings frats freida freshest freshets freyr fried frieda frier friers fries frith frodo "
    "froth froward frowardly frowardness frumenty fryer furmenty gaels gales garble garbs garter garters gaurs genets "
    "gentes georgian georgina gilded gilder gilders gilding gingko gingkoes gingkos ginkgo ginkgoes ginkgos girds "
    "girth girts glided glider gliders gliding glues goers goiter goiters goitre goitres gores gorse grable grabs "
    "grandam grandams grandma grandmas grater graters great greta grids grist grith grits guars gules gustier "
    "gustiest gustily gustiness gusty gutsier gutsiest gutsily gutsiness gutsy handclaps handclasp handel handle "
    "haver havre hearst heart hearts henan henna herat heresy hersey hoars horas horsa horus hours hurst hurts "
    "iaccoca iacocca indiscreet indiscrete infarct infarcted infarction infarcts infract infracted infraction "
    "infracts isidor isidro jaime jamie janine jannie jeanine jeannie jeffery jeffrey joesph joseph kails kalis kaons "
    "karst karts keith kieth kirsten koans kristen laird lairs leila lelia lemnos lemons lewis liard liars liens "
    "limpest limpets lines lions liras liver livre loess loins loire loran lorie lorna loses lotus louts louver "
    "louvre lucian lucina luster lustre lweis mabel mable macro macros madrasas madrassa maligner maligners malinger "
    "malingers manat mande maned manes manias manisa manse manta mantel mantelpiece mantelpieces mantels mantle "
    "mantlepiece mantlepieces mantles marat marco marcos marian marina marital maritally maroc marta martial "
    "martially martian martina maudlin mauldin median medina meets metes michael micheal miens mines minimus miniums "
    "minks minsk minuet minuets minute minutes misfield misfiled moans monas monet monte mores morse motet motte "
    "moues mouse mouses mousse mucor mucro mugginess mugginses nickel nickels nickle nickles nobel noble ocher "
    "ocherous ochers ochre ochreous ochres overdoes overdose padang padnag pairs palter paradisaic paradisaical "
    "paradisiac paradisiacal pares pareses paris parse parsees parsi parted parting parton parts pasties pasty patios "
    "patois patron patsies patsy pedicel pedicle peeks peele peens peirce pekes pelee penes percept perceptive "
    "percepts perfect perfects perform performed performing performs perils perlis permed perpend pertest pervious "
    "perviously pierce piled piles pinks pinot pinots pinsk pinto pintos pizazz pizzaz plaint plater pliant plied "
    "plies ploys pluses poems poises polys pomes poses posies posse prase prated prating prats precept preceptive "
    "precepts prefect prefects preform preformed preforming preforms premed premies premise prepend pretest previous "
    "previously pride pried pules pulse pulses purims purism quiet quite radicel radicle rails rains ranis realtor "
    "reest regarded regarding regin regraded regrading reign relator repertoires repertories reset resist resits "
    "retard retired retires retrad retried retries reveres reverse rials riels riles ripely ripley rogue rogues "
    "romaines romanies roost roots rouge rouges roust routs rubel ruble saber sabers sabre sabres sacred sacring "
    "salas salian salians salina salinas saliva salsa salted salter saltier saltiest salting saltire saltpeter "
    "saltpetre salts salty salve salved salver salvers salves salvia salving satin satins scared scaring scarp "
    "scarped scarper scarpers scarping scarps schemer schemers schmeer schmeers scotus scouts scrap scraped scraper "
    "scrapers scraping scraps sedan sedna segre serge setts shaef sheaf sheila shelia sherd sherds shier shire shred "
    "shreds shriek shrieks shrike shrikes signed signer signers signing signs silly silts silver silvered silvering "
    "silvers singed singer singers singing sings siple sites slated slater slatier slatiest slating slats slaty slave "
    "slaved slaver slavers slaves slaving slily slits sliver slivered slivering slivers sloan sloes snogs soils solan "
    "soldier soles solider solis solitaires solitaries solus somber somberly somberness sombre sombrely sombreness "
    "songs sopor sorites sorties sorus souls sours spams spares sparse spasm spiel spiels spier spiers spile spiles "
    "spilt spire spires spirt spirts split spoor sprit sprits stael stain stains stale steal steals steel steels "
    "steer stela stelas stele steles stere stets sties stirps story strait strati strips stroy tarns tarpan tarps "
    "tarty tatar tatra tatry teazel teazels teazle teazles tenno tennos tenon tenons termor theater theaters theatre "
    "theatres thees there these thickest thickets thickset three tiers tiger tigre tilde tiled tilted tilting timber "
    "timbers timbre timbres tired tires tiros titled titling toady today tolly tolyl torches torts torus tours trail "
    "trailed trailing trails trans trapan traps treaties treatise tremor trial trialed trialing trials tried tries "
    "trios troches trots truing tucson turing tuscon twist twits umbels umbles ungual ungula uniats unitas unite "
    "united unites untie untied unties untired untried vales valse vinci vinic vogue vogues vouge vouges waist waits "
    "waiver warps wavier weimar welty wetly whist whitely whitley whits wield wiemar wigner wilde wiled wilting "
    "winger wirer witling wolof woolf worth wraps wrier wrist writs wroth yeast yeats yodel yodle ";

}  // namespace

int evidence(std::string_view word) {
  static const WordSet all_strong{strong};
  static const std::array all_weak{WordSet{weak}, WordSet{past}};
  if (all_strong.has(word)) {
    return 2;
  }
  const bool replaced = word.size() > 3 && plain(word) != word;
  return replaced || std::ranges::any_of(all_weak, [word](const WordSet& set) { return set.has(word); }) ? 1 : 0;
}

std::string_view plain(std::string_view word) {
  const auto* const found = std::ranges::lower_bound(replacements, word, {}, &Replacement::first);
  return found != replacements.end() && found->first == word ? found->second : word;
}

std::string_view expanded(std::string_view word) {
  const auto* const found = std::ranges::find(irregular, word, &Replacement::first);
  return found == irregular.end() ? std::string_view{} : found->second;
}

bool takes_is(std::string_view word) {
  static const WordSet set{before_is};
  return set.has(word);
}

bool negates(std::string_view word) {
  static const WordSet set{negations};
  return set.has(word);
}

bool is_filler(std::string_view word) {
  static const WordSet set{fillers};
  return set.has(word);
}

bool opens(std::string_view word) {
  static const WordSet set{openers};
  return set.has(word);
}

bool closes(std::string_view word) {
  static const WordSet set{closers};
  return set.has(word);
}

bool asks(std::string_view word) {
  static const WordSet set{questions};
  return set.has(word);
}

bool is_auxiliary(std::string_view word) {
  static const WordSet set{auxiliaries};
  return set.has(word);
}

bool is_pronoun(std::string_view word) {
  static const WordSet set{pronouns};
  return set.has(word);
}

bool ties_clauses(std::string_view word) {
  static const WordSet set{clauses};
  return set.has(word);
}

bool is_when(std::string_view word) {
  static const WordSet set{whens};
  return set.has(word);
}

bool points_at_span(std::string_view word) {
  static const WordSet set{pointers};
  return set.has(word);
}

bool is_span(std::string_view word) {
  static const WordSet set{spans};
  return set.has(word);
}

bool is_weekday(std::string_view word) {
  static const WordSet set{weekdays};
  return set.has(word);
}

std::span<const std::string_view> asides() {
  return aside_phrases;
}

bool is_past(std::string_view word) {
  static const WordSet set{past};
  return set.has(word) || (word.size() > 4 && word.ends_with("ed"));
}

bool is_protected(std::string_view word) {
  static const std::array sets{WordSet{protected_words}, WordSet{whens},     WordSet{other_times},
                               WordSet{spans},           WordSet{negations}, WordSet{past}};
  return std::ranges::any_of(sets, [word](const WordSet& set) { return set.has(word); });
}

bool has_twin(std::string_view word) {
  static const WordSet set{twins};
  return set.has(word);
}

}  // namespace alluvium::pipeline::english
